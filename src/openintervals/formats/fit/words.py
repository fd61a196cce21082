"""Words for the numbers of enumerated fields: what is needed to tell an activity, a device or a workout.

Each table goes from the number in a file to a plain word, `SPORT[2]` is `cycling`; a number without a word is absent.
"""


def table(text: str) -> dict[int, str]:
    """Words by number: a number in the text is that of the word behind it, and each further word has the next."""
    number, found = -1, {}
    for word in text.split():
        if word.isdigit():
            number = int(word) - 1
        else:
            number += 1
            found[number] = word
    return found


SPORT = table("""
    generic running cycling transition fitness_equipment swimming basketball soccer tennis american_football
    training walking cross_country_skiing alpine_skiing snowboarding rowing mountaineering hiking multisport
    paddling flying e_biking motorcycling boating driving golf hang_gliding horseback_riding hunting fishing
    inline_skating rock_climbing sailing ice_skating sky_diving snowshoeing snowmobiling stand_up_paddleboarding
    surfing wakeboarding water_skiing kayaking rafting windsurfing kitesurfing tactical jumpmaster boxing
    floor_climbing baseball 53 diving 62 hiit 64 racket wheelchair_push_walk wheelchair_push_run meditation
    69 disc_golf 71 cricket rugby hockey lacrosse volleyball water_tubing wakesurfing 80 mixed_martial_arts
    82 snorkeling dance jump_rope 254 all
""")
SUB_SPORT = table("""
    generic treadmill street trail track spin indoor_cycling road mountain downhill recumbent cyclocross
    hand_cycling track_cycling indoor_rowing elliptical stair_climbing lap_swimming open_water flexibility_training
    strength_training warm_up match exercise challenge indoor_skiing cardio_training indoor_walking e_bike_fitness
    bmx casual_walking speed_walking bike_to_run_transition run_to_bike_transition swim_to_bike_transition atv
    motocross backcountry resort rc_drone wingsuit whitewater skate_skiing yoga pilates indoor_running
    gravel_cycling e_bike_mountain commuting mixed_surface navigate track_me map single_gas_diving multi_gas_diving
    gauge_diving apnea_diving apnea_hunting virtual_activity obstacle 62 breathing 65 sail_race 67 ultra
    indoor_climbing bouldering hiit 73 amrap emom tabata 84 pickleball padel indoor_wheelchair_walk
    indoor_wheelchair_run indoor_hand_cycling 94 squash badminton racquetball table_tennis 110 fly_canopy
    fly_paraglide fly_paramotor fly_pressurized fly_navigate fly_timer fly_altimeter fly_wx fly_vfr fly_ifr 254 all
""")
MANUFACTURER = table("""
    1 garmin garmin_fr405_antfs zephyr dayton idt srm quarq ibike saris spark_hk tanita echowell dynastream_oem
    nautilus dynastream timex metrigear xelic beurer cardiosport a_and_d hmm suunto thita_elektronik gpulse
    clean_mobile pedal_brain peaksware saxonar lemond_fitness dexcom wahoo_fitness octane_fitness archinoetics
    the_hurt_box citizen_systems magellan osynce holux concept2 shimano one_giant_leap ace_sensor brim_brothers
    xplova perception_digital bf1systems pioneer spantec metalogics 4iiiis seiko_epson seiko_epson_oem ifor_powell
    maxwell_guider star_trac breakaway alatech_technology_ltd mio_technology_europe rotor geonaute id_bike
    specialized wtek physical_enterprises north_pole_engineering bkool cateye stages_cycling sigmasport tomtom
    peripedal wattbike 76 moxy ciclosport powerbahn acorn_projects_aps lifebeam bontrager wellgo scosche magura
    woodway elite nielsen_kellerman dk_city tacx direction_technology magtonic 1partcarbon inside_ride_technologies
    sound_of_motion stryd icg MiPulse bsx_athletics look campagnolo_srl body_bike_smart praxisworks
    limits_technology topaction_technology cosinuss fitcare magene giant_manufacturing_co tigrasport salutron
    technogym bryton_sensors latitude_limited soaring_technology igpsport thinkrider gopher_sport waterrower
    orangetheory inpeak kinetic johnson_health_tech polar_electro seesense nci_technology iqsquare leomo ifit_com
    coros_byte versa_design chileaf cycplus gravaa_byte sigeyi coospo geoid bosch kyto kinetic_sports decathlon_byte
    tq_systems tag_heuer keiser_fitness zwift_byte porsche_ep blackbird meilan_byte ezon laisi myzone abawo bafang
    luhong_technology 255 development 257 healthandlife lezyne scribe_labs zwift watteam recon favero_electronics
    dynovelo strava precor bryton sram navman cobi spivi mio_magellan evesports sensitivus_gauge podoon
    life_time_fitness falco_e_motors minoura cycliq luxottica trainer_road the_sufferfest fullspeedahead
    virtualtraining feedbacksports omata vdo magneticdays hammerhead kinetic_by_kurt shapelog dabuziduo jetblack
    coros virtugo velosense cycligentinc trailforks mahle_ebikemotion nurvv microprogram zone5cloud greenteg
    yamaha_motors whoop gravaa onelap monark_exercise form decathlon syncros heatup cannondale true_fitness
    RGT_cycling vasa race_republic fazua oreka_training lsec lululemon_studio shanyue spinning_mda hilldating
    aero_sensor nike magicshine ictrainer absolute_cycling eo_swimbetter mywhoosh ravemen tektro_racing_products
    darad_innovation_corporation cycloptim 5759 actigraphcorp
""")
EVENT = table("""
    timer 3 workout workout_step power_down power_up off_course session lap course_point battery
    virtual_partner_pace hr_high_alert hr_low_alert speed_high_alert speed_low_alert cad_high_alert cad_low_alert
    power_high_alert power_low_alert recovery_hr battery_low time_duration_alert distance_duration_alert
    calorie_duration_alert activity fitness_equipment length 32 user_marker sport_point 36 calibration
    42 front_gear_change rear_gear_change rider_position_change elev_high_alert elev_low_alert comm_timeout
    54 auto_activity_detect 56 dive_alert dive_gas_switched 71 tank_pressure_reserve tank_pressure_critical
    tank_lost 75 radar_threat_alert tank_battery_low 81 tank_pod_connected tank_pod_disconnected
""")
EVENT_TYPE = table("""
    start stop consecutive_depreciated marker stop_all begin_depreciated end_depreciated end_all_depreciated
    stop_disable stop_disable_all
""")
LAP_TRIGGER = table("""
    manual time distance position_start position_lap position_waypoint position_marked session_end fitness_equipment
""")
SESSION_TRIGGER = table("""
    activity_end manual auto_multi_sport fitness_equipment
""")
SWIM_STROKE = table("""
    freestyle backstroke breaststroke butterfly drill mixed im im_by_round rimo
""")
LENGTH_TYPE = table("""
    idle active
""")
INTENSITY = table("""
    active rest warmup cooldown recovery interval other
""")
FILE = table("""
    1 device settings sport activity workout course schedules 9 weight totals goals 14 blood_pressure monitoring_a
    20 activity_summary 28 monitoring_daily 32 monitoring_b 34 segment segment_list 40 exd_configuration
    247 mfg_range_min 254 mfg_range_max
""")
STEP_DURATION = table("""
    time distance hr_less_than hr_greater_than calories open repeat_until_steps_cmplt repeat_until_time
    repeat_until_distance repeat_until_calories repeat_until_hr_less_than repeat_until_hr_greater_than
    repeat_until_power_less_than repeat_until_power_greater_than power_less_than power_greater_than
    training_peaks_tss repeat_until_power_last_lap_less_than repeat_until_max_power_last_lap_less_than
    power_3s_less_than power_10s_less_than power_30s_less_than power_3s_greater_than power_10s_greater_than
    power_30s_greater_than power_lap_less_than power_lap_greater_than repeat_until_training_peaks_tss
    repetition_time reps 31 time_only
""")
STEP_TARGET = table("""
    speed heart_rate open cadence power grade resistance power_3s power_10s power_30s power_lap swim_stroke
    speed_lap heart_rate_lap
""")
