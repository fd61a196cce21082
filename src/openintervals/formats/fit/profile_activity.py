"""The message kinds of an activity and a workout: number and name, and of each field the number, name and type.

A line is `number name: number name type, …` and goes on while the next is indented. A type is what the field is stored
as: `u16` is an unsigned integer of 16 bits, `z` means that zero stands for absent, `time` is an instant and `wall` a wall
time, both in seconds; `/s` divides what is stored, `-o` then subtracts. Field 253 is the timestamp in every kind.
The numbers, types and plain names were gathered from openly licensed readers of the format and from files of devices.
"""

TEXT = """
0 file_id: 0 type enum, 1 manufacturer u16, 2 product u16, 3 serial_number u32z, 4 time_created time, 5 number u16,
 8 product_name text
2 device_settings: 0 active_time_zone u8, 1 utc_offset u32, 2 time_offset u32, 4 time_mode enum,
 5 time_zone_offset i8/4, 12 backlight_mode enum, 36 activity_tracker_enabled enum, 39 clock_time time,
 40 pages_enabled u16, 46 move_alert_enabled enum, 47 date_mode enum, 55 display_orientation enum,
 56 mounting_side enum, 57 default_page u16, 58 autosync_min_steps u16, 59 autosync_min_time u16,
 80 lactate_threshold_autodetect_enabled enum, 86 ble_auto_upload_enabled enum, 89 auto_sync_frequency enum,
 90 auto_activity_detect u32, 94 number_of_screens u8, 95 smart_notification_display_orientation enum,
 134 tap_interface enum, 174 tap_sensitivity enum
3 user_profile: 0 friendly_name text, 1 gender enum, 2 age u8, 3 height u8/100, 4 weight u16/10, 5 language enum,
 6 elev_setting enum, 7 weight_setting enum, 8 resting_heart_rate u8, 9 default_max_running_heart_rate u8,
 10 default_max_biking_heart_rate u8, 11 default_max_heart_rate u8, 12 hr_setting enum, 13 speed_setting enum,
 14 dist_setting enum, 16 power_setting enum, 17 activity_class enum, 18 position_setting enum,
 21 temperature_setting enum, 22 local_id u16, 23 global_id byte, 28 wake_time u32, 29 sleep_time u32,
 30 height_setting enum, 31 user_running_step_length u16/1000, 32 user_walking_step_length u16/1000,
 47 depth_setting enum, 49 dive_count u32, 254 message_index u16
4 hrm_profile: 0 enabled enum, 1 hrm_ant_id u16z, 2 log_hrv enum, 3 hrm_ant_id_trans_type u8z, 254 message_index u16
5 sdm_profile: 0 enabled enum, 1 sdm_ant_id u16z, 2 sdm_cal_factor u16/10, 3 odometer u32/100, 4 speed_source enum,
 5 sdm_ant_id_trans_type u8z, 7 odometer_rollover u8, 254 message_index u16
6 bike_profile: 0 name text, 1 sport enum, 2 sub_sport enum, 3 odometer u32/100, 4 bike_spd_ant_id u16z,
 5 bike_cad_ant_id u16z, 6 bike_spdcad_ant_id u16z, 7 bike_power_ant_id u16z, 8 custom_wheelsize u16/1000,
 9 auto_wheelsize u16/1000, 10 bike_weight u16/10, 11 power_cal_factor u16/10, 12 auto_wheel_cal enum,
 13 auto_power_zero enum, 14 id u8, 15 spd_enabled enum, 16 cad_enabled enum, 17 spdcad_enabled enum,
 18 power_enabled enum, 19 crank_length u8/2--110, 20 enabled enum, 21 bike_spd_ant_id_trans_type u8z,
 22 bike_cad_ant_id_trans_type u8z, 23 bike_spdcad_ant_id_trans_type u8z, 24 bike_power_ant_id_trans_type u8z,
 37 odometer_rollover u8, 38 front_gear_num u8z, 39 front_gear u8z, 40 rear_gear_num u8z, 41 rear_gear u8z,
 44 shimano_di2_enabled enum, 254 message_index u16
7 zones_target: 1 max_heart_rate u8, 2 threshold_heart_rate u8, 3 functional_threshold_power u16, 5 hr_calc_type enum,
 7 pwr_calc_type enum
8 hr_zone: 1 high_bpm u8, 2 name text, 254 message_index u16
9 power_zone: 1 high_value u16, 2 name text, 254 message_index u16
10 met_zone: 1 high_bpm u8, 2 calories u16/10, 3 fat_calories u8/10, 254 message_index u16
12 sport: 0 sport enum, 1 sub_sport enum, 3 name text
13 training_settings: 31 target_distance u32/100, 32 target_speed u16/1000, 33 target_time u32,
 153 precise_target_speed u32/1e+06
18 session: 0 event enum, 1 event_type enum, 2 start_time time, 3 start_position_lat i32, 4 start_position_long i32,
 5 sport enum, 6 sub_sport enum, 7 total_elapsed_time u32/1000, 8 total_timer_time u32/1000, 9 total_distance u32/100,
 10 total_cycles u32, 11 total_calories u16, 13 total_fat_calories u16, 14 avg_speed u16/1000, 15 max_speed u16/1000,
 16 avg_heart_rate u8, 17 max_heart_rate u8, 18 avg_cadence u8, 19 max_cadence u8, 20 avg_power u16, 21 max_power u16,
 22 total_ascent u16, 23 total_descent u16, 24 total_training_effect u8/10, 25 first_lap_index u16, 26 num_laps u16,
 27 event_group u8, 28 trigger enum, 29 nec_lat i32, 30 nec_long i32, 31 swc_lat i32, 32 swc_long i32,
 33 num_lengths u16, 34 normalized_power u16, 35 training_stress_score u16/10, 36 intensity_factor u16/1000,
 37 left_right_balance u16, 38 end_position_lat i32, 39 end_position_long i32, 41 avg_stroke_count u32/10,
 42 avg_stroke_distance u16/100, 43 swim_stroke enum, 44 pool_length u16/100, 45 threshold_power u16,
 46 pool_length_unit enum, 47 num_active_lengths u16, 48 total_work u32, 49 avg_altitude u16/5-500,
 50 max_altitude u16/5-500, 51 gps_accuracy u8, 52 avg_grade i16/100, 53 avg_pos_grade i16/100,
 54 avg_neg_grade i16/100, 55 max_pos_grade i16/100, 56 max_neg_grade i16/100, 57 avg_temperature i8,
 58 max_temperature i8, 59 total_moving_time u32/1000, 60 avg_pos_vertical_speed i16/1000,
 61 avg_neg_vertical_speed i16/1000, 62 max_pos_vertical_speed i16/1000, 63 max_neg_vertical_speed i16/1000,
 64 min_heart_rate u8, 65 time_in_hr_zone u32/1000, 66 time_in_speed_zone u32/1000, 67 time_in_cadence_zone u32/1000,
 68 time_in_power_zone u32/1000, 69 avg_lap_time u32/1000, 70 best_lap_index u16, 71 min_altitude u16/5-500,
 82 player_score u16, 83 opponent_score u16, 84 opponent_name text, 85 stroke_count u16, 86 zone_count u16,
 87 max_ball_speed u16/100, 88 avg_ball_speed u16/100, 89 avg_vertical_oscillation u16/10,
 90 avg_stance_time_percent u16/100, 91 avg_stance_time u16/10, 92 avg_fractional_cadence u8/128,
 93 max_fractional_cadence u8/128, 94 total_fractional_cycles u8/128, 95 avg_total_hemoglobin_conc u16/100,
 96 min_total_hemoglobin_conc u16/100, 97 max_total_hemoglobin_conc u16/100,
 98 avg_saturated_hemoglobin_percent u16/10, 99 min_saturated_hemoglobin_percent u16/10,
 100 max_saturated_hemoglobin_percent u16/10, 101 avg_left_torque_effectiveness u8/2,
 102 avg_right_torque_effectiveness u8/2, 103 avg_left_pedal_smoothness u8/2, 104 avg_right_pedal_smoothness u8/2,
 105 avg_combined_pedal_smoothness u8/2, 110 sport_profile_name text, 111 sport_index u8, 112 time_standing u32/1000,
 113 stand_count u16, 114 avg_left_pco i8, 115 avg_right_pco i8, 116 avg_left_power_phase u8/0.711111,
 117 avg_left_power_phase_peak u8/0.711111, 118 avg_right_power_phase u8/0.711111,
 119 avg_right_power_phase_peak u8/0.711111, 120 avg_power_position u16, 121 max_power_position u16,
 122 avg_cadence_position u8, 123 max_cadence_position u8, 124 enhanced_avg_speed u32/1000,
 125 enhanced_max_speed u32/1000, 126 enhanced_avg_altitude u32/5-500, 127 enhanced_min_altitude u32/5-500,
 128 enhanced_max_altitude u32/5-500, 129 avg_lev_motor_power u16, 130 max_lev_motor_power u16,
 131 lev_battery_consumption u8/2, 132 avg_vertical_ratio u16/100, 133 avg_stance_time_balance u16/100,
 134 avg_step_length u16/10, 137 total_anaerobic_training_effect u8/10, 139 avg_vam u16/1000, 140 avg_depth u32/1000,
 141 max_depth u32/1000, 142 surface_interval u32, 143 start_cns u8, 144 end_cns u8, 145 start_n2 u16, 146 end_n2 u16,
 147 avg_respiration_rate u8, 148 max_respiration_rate u8, 149 min_respiration_rate u8, 150 min_temperature i8,
 155 o2_toxicity u16, 156 dive_number u32, 168 training_load_peak i32/65536,
 169 enhanced_avg_respiration_rate u16/100, 170 enhanced_max_respiration_rate u16/100,
 180 enhanced_min_respiration_rate u16/100, 181 total_grit f32, 182 total_flow f32, 183 jump_count u16,
 186 avg_grit f32, 187 avg_flow f32, 192 workout_feel u8, 193 workout_rpe u8, 194 avg_spo2 u8, 195 avg_stress u8,
 197 sdrr_hrv u8, 198 rmssd_hrv u8, 199 total_fractional_ascent u8/100, 200 total_fractional_descent u8/100,
 208 avg_core_temperature u16/100, 209 min_core_temperature u16/100, 210 max_core_temperature u16/100,
 254 message_index u16
19 lap: 0 event enum, 1 event_type enum, 2 start_time time, 3 start_position_lat i32, 4 start_position_long i32,
 5 end_position_lat i32, 6 end_position_long i32, 7 total_elapsed_time u32/1000, 8 total_timer_time u32/1000,
 9 total_distance u32/100, 10 total_cycles u32, 11 total_calories u16, 12 total_fat_calories u16,
 13 avg_speed u16/1000, 14 max_speed u16/1000, 15 avg_heart_rate u8, 16 max_heart_rate u8, 17 avg_cadence u8,
 18 max_cadence u8, 19 avg_power u16, 20 max_power u16, 21 total_ascent u16, 22 total_descent u16, 23 intensity enum,
 24 lap_trigger enum, 25 sport enum, 26 event_group u8, 32 num_lengths u16, 33 normalized_power u16,
 34 left_right_balance u16, 35 first_length_index u16, 37 avg_stroke_distance u16/100, 38 swim_stroke enum,
 39 sub_sport enum, 40 num_active_lengths u16, 41 total_work u32, 42 avg_altitude u16/5-500,
 43 max_altitude u16/5-500, 44 gps_accuracy u8, 45 avg_grade i16/100, 46 avg_pos_grade i16/100,
 47 avg_neg_grade i16/100, 48 max_pos_grade i16/100, 49 max_neg_grade i16/100, 50 avg_temperature i8,
 51 max_temperature i8, 52 total_moving_time u32/1000, 53 avg_pos_vertical_speed i16/1000,
 54 avg_neg_vertical_speed i16/1000, 55 max_pos_vertical_speed i16/1000, 56 max_neg_vertical_speed i16/1000,
 57 time_in_hr_zone u32/1000, 58 time_in_speed_zone u32/1000, 59 time_in_cadence_zone u32/1000,
 60 time_in_power_zone u32/1000, 61 repetition_num u16, 62 min_altitude u16/5-500, 63 min_heart_rate u8,
 71 wkt_step_index u16, 74 opponent_score u16, 75 stroke_count u16, 76 zone_count u16,
 77 avg_vertical_oscillation u16/10, 78 avg_stance_time_percent u16/100, 79 avg_stance_time u16/10,
 80 avg_fractional_cadence u8/128, 81 max_fractional_cadence u8/128, 82 total_fractional_cycles u8/128,
 83 player_score u16, 84 avg_total_hemoglobin_conc u16/100, 85 min_total_hemoglobin_conc u16/100,
 86 max_total_hemoglobin_conc u16/100, 87 avg_saturated_hemoglobin_percent u16/10,
 88 min_saturated_hemoglobin_percent u16/10, 89 max_saturated_hemoglobin_percent u16/10,
 91 avg_left_torque_effectiveness u8/2, 92 avg_right_torque_effectiveness u8/2, 93 avg_left_pedal_smoothness u8/2,
 94 avg_right_pedal_smoothness u8/2, 95 avg_combined_pedal_smoothness u8/2, 98 time_standing u32/1000,
 99 stand_count u16, 100 avg_left_pco i8, 101 avg_right_pco i8, 102 avg_left_power_phase u8/0.711111,
 103 avg_left_power_phase_peak u8/0.711111, 104 avg_right_power_phase u8/0.711111,
 105 avg_right_power_phase_peak u8/0.711111, 106 avg_power_position u16, 107 max_power_position u16,
 108 avg_cadence_position u8, 109 max_cadence_position u8, 110 enhanced_avg_speed u32/1000,
 111 enhanced_max_speed u32/1000, 112 enhanced_avg_altitude u32/5-500, 113 enhanced_min_altitude u32/5-500,
 114 enhanced_max_altitude u32/5-500, 115 avg_lev_motor_power u16, 116 max_lev_motor_power u16,
 117 lev_battery_consumption u8/2, 118 avg_vertical_ratio u16/100, 119 avg_stance_time_balance u16/100,
 120 avg_step_length u16/10, 121 avg_vam u16/1000, 122 avg_depth u32/1000, 123 max_depth u32/1000,
 124 min_temperature i8, 136 enhanced_avg_respiration_rate u16/100, 137 enhanced_max_respiration_rate u16/100,
 147 avg_respiration_rate u8, 148 max_respiration_rate u8, 149 total_grit f32, 150 total_flow f32, 151 jump_count u16,
 153 avg_grit f32, 154 avg_flow f32, 156 total_fractional_ascent u8/100, 157 total_fractional_descent u8/100,
 158 avg_core_temperature u16/100, 159 min_core_temperature u16/100, 160 max_core_temperature u16/100,
 254 message_index u16
20 record: 0 position_lat i32, 1 position_long i32, 2 altitude u16/5-500, 3 heart_rate u8, 4 cadence u8,
 5 distance u32/100, 6 speed u16/1000, 7 power u16, 8 compressed_speed_distance byte, 9 grade i16/100,
 10 resistance u8, 11 time_from_course i32/1000, 12 cycle_length u8/100, 13 temperature i8, 17 speed_1s u8/16,
 18 cycles u8, 19 total_cycles u32, 28 compressed_accumulated_power u16, 29 accumulated_power u32,
 30 left_right_balance u8, 31 gps_accuracy u8, 32 vertical_speed i16/1000, 33 calories u16,
 39 vertical_oscillation u16/10, 40 stance_time_percent u16/100, 41 stance_time u16/10, 42 activity_type enum,
 43 left_torque_effectiveness u8/2, 44 right_torque_effectiveness u8/2, 45 left_pedal_smoothness u8/2,
 46 right_pedal_smoothness u8/2, 47 combined_pedal_smoothness u8/2, 48 time128 u8/128, 49 stroke_type enum,
 50 zone u8, 51 ball_speed u16/100, 52 cadence256 u16/256, 53 fractional_cadence u8/128,
 54 total_hemoglobin_conc u16/100, 55 total_hemoglobin_conc_min u16/100, 56 total_hemoglobin_conc_max u16/100,
 57 saturated_hemoglobin_percent u16/10, 58 saturated_hemoglobin_percent_min u16/10,
 59 saturated_hemoglobin_percent_max u16/10, 62 device_index u8, 67 left_pco i8, 68 right_pco i8,
 69 left_power_phase u8/0.711111, 70 left_power_phase_peak u8/0.711111, 71 right_power_phase u8/0.711111,
 72 right_power_phase_peak u8/0.711111, 73 enhanced_speed u32/1000, 78 enhanced_altitude u32/5-500,
 81 battery_soc u8/2, 82 motor_power u16, 83 vertical_ratio u16/100, 84 stance_time_balance u16/100,
 85 step_length u16/10, 87 cycle_length16 u16/100, 91 absolute_pressure u32, 92 depth u32/1000,
 93 next_stop_depth u32/1000, 94 next_stop_time u32, 95 time_to_surface u32, 96 ndl_time u32, 97 cns_load u8,
 98 n2_load u16, 99 respiration_rate u8, 108 enhanced_respiration_rate u16/100, 114 grit f32, 115 flow f32,
 116 current_stress u16/100, 117 ebike_travel_range u16, 118 ebike_battery_level u8, 119 ebike_assist_mode u8,
 120 ebike_assist_level_percent u8, 123 air_time_remaining u32, 124 pressure_sac u16/100, 125 volume_sac u16/100,
 126 rmv u16/100, 127 ascent_rate i32/1000, 129 po2 u8/100, 139 core_temperature u16/100
21 event: 0 event enum, 1 event_type enum, 2 data16 u16, 3 data u32, 4 event_group u8, 7 score u16,
 8 opponent_score u16, 9 front_gear_num u8z, 10 front_gear u8z, 11 rear_gear_num u8z, 12 rear_gear u8z,
 13 device_index u8, 14 activity_type enum, 15 start_timestamp time, 21 radar_threat_level_max enum,
 22 radar_threat_count u8, 23 radar_threat_avg_approach_speed u8/10, 24 radar_threat_max_approach_speed u8/10
23 device_info: 0 device_index u8, 1 device_type u8, 2 manufacturer u16, 3 serial_number u32z, 4 product u16,
 5 software_version u16/100, 6 hardware_version u8, 7 cum_operating_time u32, 10 battery_voltage u16/256,
 11 battery_status u8, 18 sensor_position enum, 19 descriptor text, 20 ant_transmission_type u8z,
 21 ant_device_number u16z, 22 ant_network enum, 25 source_type enum, 27 product_name text, 32 battery_level u8
26 workout: 4 sport enum, 5 capabilities u32z, 6 num_valid_steps u16, 8 wkt_name text, 11 sub_sport enum,
 14 pool_length u16/100, 15 pool_length_unit enum, 17 wkt_description text, 254 message_index u16
27 workout_step: 0 wkt_step_name text, 1 duration_type enum, 2 duration_value u32, 3 target_type enum,
 4 target_value u32, 5 custom_target_value_low u32, 6 custom_target_value_high u32, 7 intensity enum, 8 notes text,
 9 equipment enum, 10 exercise_category u16, 11 exercise_name u16, 12 exercise_weight u16/100,
 13 weight_display_unit u16, 19 secondary_target_type enum, 20 secondary_target_value u32,
 21 secondary_custom_target_value_low u32, 22 secondary_custom_target_value_high u32, 254 message_index u16
34 activity: 0 total_timer_time u32/1000, 1 num_sessions u16, 2 type enum, 3 event enum, 4 event_type enum,
 5 local_timestamp wall, 6 event_group u8
35 software: 3 version u16/100, 5 part_number text, 254 message_index u16
49 file_creator: 0 software_version u16, 1 hardware_version u8
53 speed_zone: 0 high_value u16/1000, 1 name text, 254 message_index u16
78 hrv: 0 time u16/1000
101 length: 0 event enum, 1 event_type enum, 2 start_time time, 3 total_elapsed_time u32/1000,
 4 total_timer_time u32/1000, 5 total_strokes u16, 6 avg_speed u16/1000, 7 swim_stroke enum,
 9 avg_swimming_cadence u8, 10 event_group u8, 11 total_calories u16, 12 length_type enum, 18 player_score u16,
 19 opponent_score u16, 20 stroke_count u16, 21 zone_count u16, 22 enhanced_avg_respiration_rate u16/100,
 23 enhanced_max_respiration_rate u16/100, 24 avg_respiration_rate u8, 25 max_respiration_rate u8,
 254 message_index u16
128 weather_conditions: 0 weather_report enum, 1 temperature i8, 2 condition enum, 3 wind_direction u16,
 4 wind_speed u16/1000, 5 precipitation_probability u8, 6 temperature_feels_like i8, 7 relative_humidity u8,
 8 location text, 9 observed_at_time time, 10 observed_location_lat i32, 11 observed_location_long i32,
 12 day_of_week enum, 13 high_temperature i8, 14 low_temperature i8
131 cadence_zone: 0 high_value u8, 1 name text, 254 message_index u16
132 hr: 0 fractional_timestamp u16/32768, 1 time256 u8/256, 6 filtered_bpm u8, 9 event_timestamp u32/1024,
 10 event_timestamp_12 byte
142 segment_lap: 0 event enum, 1 event_type enum, 2 start_time time, 3 start_position_lat i32,
 4 start_position_long i32, 5 end_position_lat i32, 6 end_position_long i32, 7 total_elapsed_time u32/1000,
 8 total_timer_time u32/1000, 9 total_distance u32/100, 10 total_cycles u32, 11 total_calories u16,
 12 total_fat_calories u16, 13 avg_speed u16/1000, 14 max_speed u16/1000, 15 avg_heart_rate u8, 16 max_heart_rate u8,
 17 avg_cadence u8, 18 max_cadence u8, 19 avg_power u16, 20 max_power u16, 21 total_ascent u16, 22 total_descent u16,
 23 sport enum, 24 event_group u8, 25 nec_lat i32, 26 nec_long i32, 27 swc_lat i32, 28 swc_long i32, 29 name text,
 30 normalized_power u16, 31 left_right_balance u16, 32 sub_sport enum, 33 total_work u32, 34 avg_altitude u16/5-500,
 35 max_altitude u16/5-500, 36 gps_accuracy u8, 37 avg_grade i16/100, 38 avg_pos_grade i16/100,
 39 avg_neg_grade i16/100, 40 max_pos_grade i16/100, 41 max_neg_grade i16/100, 42 avg_temperature i8,
 43 max_temperature i8, 44 total_moving_time u32/1000, 45 avg_pos_vertical_speed i16/1000,
 46 avg_neg_vertical_speed i16/1000, 47 max_pos_vertical_speed i16/1000, 48 max_neg_vertical_speed i16/1000,
 49 time_in_hr_zone u32/1000, 50 time_in_speed_zone u32/1000, 51 time_in_cadence_zone u32/1000,
 52 time_in_power_zone u32/1000, 53 repetition_num u16, 54 min_altitude u16/5-500, 55 min_heart_rate u8,
 56 active_time u32/1000, 57 wkt_step_index u16, 58 sport_event enum, 59 avg_left_torque_effectiveness u8/2,
 60 avg_right_torque_effectiveness u8/2, 61 avg_left_pedal_smoothness u8/2, 62 avg_right_pedal_smoothness u8/2,
 63 avg_combined_pedal_smoothness u8/2, 64 status enum, 65 uuid text, 66 avg_fractional_cadence u8/128,
 67 max_fractional_cadence u8/128, 68 total_fractional_cycles u8/128, 69 front_gear_shift_count u16,
 70 rear_gear_shift_count u16, 71 time_standing u32/1000, 72 stand_count u16, 73 avg_left_pco i8, 74 avg_right_pco i8,
 75 avg_left_power_phase u8/0.711111, 76 avg_left_power_phase_peak u8/0.711111, 77 avg_right_power_phase u8/0.711111,
 78 avg_right_power_phase_peak u8/0.711111, 79 avg_power_position u16, 80 max_power_position u16,
 81 avg_cadence_position u8, 82 max_cadence_position u8, 83 manufacturer u16, 84 total_grit f32, 85 total_flow f32,
 86 avg_grit f32, 87 avg_flow f32, 89 total_fractional_ascent u8/100, 90 total_fractional_descent u8/100,
 91 enhanced_avg_altitude u32/5-500, 92 enhanced_max_altitude u32/5-500, 93 enhanced_min_altitude u32/5-500,
 254 message_index u16
158 workout_session: 0 sport enum, 1 sub_sport enum, 2 num_valid_steps u16, 3 first_step_index u16,
 4 pool_length u16/100, 5 pool_length_unit enum, 254 message_index u16
160 gps_metadata: 0 timestamp_ms u16, 1 position_lat i32, 2 position_long i32, 3 enhanced_altitude u32/5-500,
 4 enhanced_speed u32/1000, 5 heading u16/100, 6 utc_timestamp time, 7 velocity i16/100
162 timestamp_correlation: 0 fractional_timestamp u16/32768, 1 system_timestamp time,
 2 fractional_system_timestamp u16/32768, 3 local_timestamp wall, 4 timestamp_ms u16, 5 system_timestamp_ms u16
206 field_description: 0 developer_data_index u8, 1 field_definition_number u8, 2 fit_base_type_id u8,
 3 field_name text, 4 array u8, 5 components text, 6 scale u8, 7 offset i8, 8 units text, 9 bits text,
 10 accumulate text, 13 fit_base_unit_id u16, 14 native_mesg_num u16, 15 native_field_num u8
207 developer_data_id: 0 developer_id byte, 1 application_id byte, 2 manufacturer_id u16, 3 developer_data_index u8,
 4 application_version u32
216 time_in_zone: 0 reference_mesg u16, 1 reference_index u16, 2 time_in_hr_zone u32/1000,
 3 time_in_speed_zone u32/1000, 4 time_in_cadence_zone u32/1000, 5 time_in_power_zone u32/1000,
 6 hr_zone_high_boundary u8, 7 speed_zone_high_boundary u16/1000, 8 cadence_zone_high_bondary u8,
 9 power_zone_high_boundary u16, 10 hr_calc_type enum, 11 max_heart_rate u8, 12 resting_heart_rate u8,
 13 threshold_heart_rate u8, 14 pwr_calc_type enum, 15 functional_threshold_power u16
225 set: 0 duration u32/1000, 3 repetitions u16, 4 weight u16/16, 5 set_type u8, 6 start_time time, 7 category u16,
 8 category_subtype u16, 9 weight_display_unit u16, 10 message_index u16, 11 wkt_step_index u16, 254 timestamp time
285 jump: 0 distance f32, 1 height f32, 2 rotations u8, 3 hang_time f32, 4 score f32, 5 position_lat i32,
 6 position_long i32, 7 speed u16/1000, 8 enhanced_speed u32/1000
290 beat_intervals: 0 timestamp_ms u16, 1 time u16
312 split: 0 split_type enum, 1 total_elapsed_time u32/1000, 2 total_timer_time u32/1000, 3 total_distance u32/100,
 4 avg_speed u32/1000, 9 start_time time, 13 total_ascent u16, 14 total_descent u16, 21 start_position_lat i32,
 22 start_position_long i32, 23 end_position_lat i32, 24 end_position_long i32, 25 max_speed u32/1000,
 26 avg_vert_speed i32/1000, 27 end_time time, 28 total_calories u32, 74 start_elevation u32/5-500,
 110 total_moving_time u32/1000, 254 message_index u16
313 split_summary: 0 split_type enum, 3 num_splits u16, 4 total_timer_time u32/1000, 5 total_distance u32/100,
 6 avg_speed u32/1000, 7 max_speed u32/1000, 8 total_ascent u16, 9 total_descent u16, 10 avg_heart_rate u8,
 11 max_heart_rate u8, 12 avg_vert_speed i32/1000, 13 total_calories u32, 77 total_moving_time u32/1000,
 254 message_index u16
317 climb_pro: 0 position_lat i32, 1 position_long i32, 2 climb_pro_event enum, 3 climb_number u16,
 4 climb_category u8, 5 current_dist f32
"""
