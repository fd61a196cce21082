"""Plain words for the product numbers of the maker that most devices come from (manufacturer 1), to name a device with."""

from .words import table

GARMIN = table("""
    1 hrm1 axh01 axb01 axb02 hrm2ss dsi_alf02 hrm3ss hrm_run_single_byte_product_id bsm bcm axs01
    hrm_tri_single_byte_product_id hrm4_run_single_byte_product_id fr225_single_byte_product_id
    gen3_bsm_single_byte_product_id gen3_bcm_single_byte_product_id 22 hrm_fit_single_byte_product_id 255 OHR
    473 fr301_china fr301_japan fr301_korea 494 fr301_taiwan 717 fr405 782 fr50 987 fr405_japan fr60 1011 dsi_alf01
    1018 fr310xt 1036 edge500 1124 fr110 1169 edge800 1199 edge500_taiwan 1213 edge500_japan 1253 chirp
    1274 fr110_japan 1325 edge200 1328 fr910xt 1333 edge800_taiwan edge800_japan 1341 alf04 1345 fr610
    1360 fr210_japan 1380 vector_ss vector_cp 1386 edge800_china edge500_china 1405 approach_g10 1410 fr610_japan
    1422 edge500_korea 1436 fr70 1446 fr310xt_4t 1461 amx 1482 fr10 1497 edge800_korea 1499 swim 1537 fr910xt_china
    1551 fenix 1555 edge200_taiwan 1561 edge510 1567 edge810 1570 tempe 1600 fr910xt_japan 1623 fr620 1632 fr220
    1664 fr910xt_korea 1688 fr10_japan 1721 edge810_japan 1735 virb_elite edge_touring 1742 edge510_japan hrm_tri
    1752 hrm_run 1765 fr920xt 1821 edge510_asia edge810_china edge810_taiwan 1836 edge1000 vivo_fit 1853 virb_remote
    1885 vivo_ki 1903 fr15 1907 vivo_active 1918 edge510_korea 1928 fr620_japan fr620_china fr220_japan fr220_china
    1936 approach_s6 1956 vivo_smart 1967 fenix2 1988 epix 2050 fenix3 2052 edge1000_taiwan edge1000_japan
    2061 fr15_japan 2067 edge520 2070 edge1000_china 2072 fr620_russia fr220_russia 2079 vector_s
    2100 edge1000_korea 2130 fr920xt_taiwan fr920xt_china fr920xt_japan 2134 virbx vivo_smart_apac 2140 etrex_touch
    2147 edge25 fr25 2150 vivo_fit2 2153 fr225 2156 fr630 fr230 fr735xt 2160 vivo_active_apac vector_2 vector_2s
    2172 virbxe fr620_taiwan fr220_taiwan truswing 2187 d2airvenu fenix3_china fenix3_twn 2192 varia_headlight
    varia_taillight_old 2204 edge_explore_1000 2219 fr225_asia 2225 varia_radar_taillight varia_radar_display
    2238 edge20 2260 edge520_asia edge520_japan d2_bravo 2266 approach_s20 2271 vivo_smart2 2274 edge1000_thai
    2276 varia_remote 2288 edge25_asia edge25_jpn edge20_asia 2292 approach_x40 fenix3_japan vivo_smart_emea
    2310 fr630_asia fr630_jpn 2313 fr230_jpn 2327 hrm4_run 2332 epix_japan 2337 vivo_active_hr
    2347 vivo_smart_gps_hr vivo_smart_hr 2361 vivo_smart_hr_asia vivo_smart_gps_hr_asia 2368 vivo_move
    2379 varia_taillight 2396 fr235_asia fr235_japan varia_vision 2406 vivo_fit3 fenix3_korea fenix3_sea
    2413 fenix3_hr 2417 virb_ultra_30 2429 index_smart_scale 2431 fr235 fenix3_chronos 2441 oregon7xx 2444 rino7xx
    2457 epix_korea 2473 fenix3_hr_chn fenix3_hr_twn fenix3_hr_jpn fenix3_hr_sea fenix3_hr_kor 2496 nautix
    vivo_active_hr_apac 2503 fr35 2512 oregon7xx_ww 2530 edge_820 edge_explore_820 2533 fr735xt_apac fr735xt_japan
    2544 fenix5s 2547 d2_bravo_titanium 2567 varia_ut800 2593 running_dynamics_pod 2599 edge_820_china
    edge_820_japan 2604 fenix5x 2606 vivo_fit_jr 2622 vivo_smart3 vivo_sport 2628 edge_820_taiwan edge_820_korea
    edge_820_sea 2650 fr35_hebrew 2656 approach_s60 2667 fr35_apac fr35_japan 2675 fenix3_chronos_asia 2687 virb_360
    2691 fr935 2697 fenix5 2700 vivoactive3 2713 edge_1030 2727 fr35_sea 2733 fr235_china_nfc 2769 foretrex_601_701
    2772 vivo_move_hr 2787 vector_3 2796 fenix5_asia fenix5s_asia fenix5x_asia 2806 approach_z80 2814 fr35_korea
    2819 d2charlie 2831 vivo_smart3_apac vivo_sport_apac fr935_asia 2859 descent 2878 vivo_fit4 2886 fr645
    2888 fr645m 2891 fr30 2900 fenix5s_plus 2909 Edge_130 2924 edge_1030_asia 2927 vivosmart_4
    2945 vivo_move_hr_asia 2962 approach_x10 2977 fr30_asia 2988 vivoactive3m_w 3003 fr645_asia fr645m_asia
    3011 edge_explore 3028 gpsmap66 3049 approach_s10 3066 vivoactive3m_l 3076 fr245 fr245_music 3085 approach_g80
    3092 edge_130_asia 3095 edge_1030_bontrager 3110 fenix5_plus fenix5x_plus edge_520_plus fr945 3121 edge_530
    edge_830 3126 instinct_esports 3134 fenix5s_plus_apac fenix5x_plus_apac 3142 edge_520_plus_apac descent_t1
    fr235l_asia fr245_asia 3163 vivo_active3m_apac 3192 gen3_bsm gen3_bcm 3218 vivo_smart4_asia
    3224 vivoactive4_small vivoactive4_large venu 3246 marq_driver marq_aviator marq_captain marq_commander
    marq_expedition marq_athlete 3258 descent_mk2 3282 fr45 3284 gpsmap66i 3287 fenix6S_sport fenix6S fenix6_sport
    fenix6 fenix6x 3299 hrm_dual hrm_pro 3308 vivo_move3_premium 3314 approach_s40 3321 fr245m_asia
    3349 edge_530_apac edge_830_apac 3378 vivo_move3 3387 vivo_active4_small_asia vivo_active4_large_asia
    vivo_active4_oled_asia 3405 swim2 3420 marq_driver_asia marq_aviator_asia vivo_move3_asia 3441 fr945_asia
    3446 vivo_active3t_chn 3448 marq_captain_asia marq_commander_asia marq_expedition_asia marq_athlete_asia
    3461 index_smart_scale_2 3466 instinct_solar 3469 fr45_asia 3473 vivoactive3_daimler 3498 legacy_rey
    legacy_darth_vader legacy_captain_marvel legacy_first_avenger 3512 fenix6s_sport_asia fenix6s_asia
    fenix6_sport_asia fenix6_asia fenix6x_asia 3535 legacy_captain_marvel_asia legacy_first_avenger_asia
    legacy_rey_asia legacy_darth_vader_asia 3542 descent_mk2s 3558 edge_130_plus 3570 edge_1030_plus 3578 rally_200
    3589 fr745 3596 venusq_music 3599 venusq_music_v2 venusq 3615 lily 3624 marq_adventurer 3638 enduro swim2_apac
    3648 marq_adventurer_asia 3652 fr945_lte 3702 descent_mk2_asia venu2 venu2s 3737 venu_daimler_asia
    3739 marq_golfer venu_daimler 3794 fr745_asia 3808 varia_rct715 lily_asia 3812 edge_1030_plus_asia
    edge_130_plus_asia 3823 approach_s12 3837 venusq_asia 3843 edge_1040 3850 marq_golfer_asia venu2_plus 3865 gnss
    3869 fr55 3872 enduro_asia 3888 instinct_2 instinct_2s 3905 fenix7s fenix7 fenix7x fenix7s_apac fenix7_apac
    fenix7x_apac 3927 approach_g12 3930 descent_mk2s_asia 3934 approach_s42 3943 epix_gen2 epix_gen2_apac
    3949 venu2s_asia venu2_asia 3978 fr945_lte_asia 3982 vivo_move_sport vivomove_trend 3986 approach_S12_asia
    3990 fr255_music fr255_small_music fr255 fr255_small 4001 approach_g12_asia approach_s42_asia 4005 descent_g1
    4017 venu2_plus_asia 4024 fr955 4033 fr55_asia 4061 edge_540 edge_840 vivosmart_5 4071 instinct_2_asia
    4105 marq_gen2 4115 venusq2 venusq2music 4124 marq_gen2_aviator d2_air_x10 4130 hrm_pro_plus
    4132 descent_g1_asia 4135 tactix7 4155 instinct_crossover 4169 edge_explore2 4222 descent_mk3 descent_mk3i
    4233 approach_s70 4257 fr265_large fr265_small 4260 venu3 venu3s 4265 tacx_neo_smart tacx_neo2_smart
    tacx_neo2_t_smart tacx_neo_smart_bike tacx_satori_smart tacx_flow_smart tacx_vortex_smart tacx_bushido_smart
    tacx_genius_smart tacx_flux_flux_s_smart tacx_flux2_smart tacx_magnum 4305 edge_1040_asia 4312 epix_gen2_pro_42
    epix_gen2_pro_47 epix_gen2_pro_51 fr965 4341 enduro2 4374 fenix7s_pro_solar fenix7_pro_solar fenix7x_pro_solar
    4380 lily2 4394 instinct_2x 4426 vivoactive5 4432 fr165 fr165_music 4440 edge_1050 4442 descent_t2 4446 hrm_fit
    4472 marq_gen2_commander 4477 lily_athlete 4532 fenix8_solar fenix8_solar_large fenix8_small 4536 fenix8
    4556 d2_mach1_pro 4575 enduro3 4583 instinctE_40mm instinctE_45mm instinct3_solar_45mm instinct3_amoled_45mm
    instinct3_amoled_50mm descent_g2 4606 hrm_200 4625 vivoactive6 4647 approachS44 4656 approachS50 4666 fenix_e
    4759 instinct3_solar_50mm 4775 tactix8_amoled tactix8_solar 10007 sdm4 10014 edge_remote 20119 training_center
    20533 tacx_training_app_win tacx_training_app_mac 20565 tacx_training_app_mac_catalyst
    30045 tacx_training_app_android tacx_training_app_ios tacx_training_app_legacy
""")
