"""The message kinds of settings, courses, goals, monitoring, diving and sensors, spelled as in `profile_activity`."""

TEXT = """
1 capabilities: 0 languages u8z, 1 sports u8z, 21 workouts_supported u32z, 23 connectivity_supported u32z
15 goal: 0 sport enum, 1 sub_sport enum, 2 start_date time, 3 end_date time, 4 type enum, 5 value u32, 6 repeat enum,
 7 target_value u32, 8 recurrence enum, 9 recurrence_value u16, 10 enabled enum, 11 source enum, 254 message_index u16
28 schedule: 0 manufacturer u16, 1 product u16, 2 serial_number u32z, 3 time_created time, 4 completed enum,
 5 type enum, 6 scheduled_time wall
30 weight_scale: 0 weight u16/100, 1 percent_fat u16/100, 2 percent_hydration u16/100, 3 visceral_fat_mass u16/100,
 4 bone_mass u16/100, 5 muscle_mass u16/100, 7 basal_met u16/4, 8 physique_rating u8, 9 active_met u16/4,
 10 metabolic_age u8, 11 visceral_fat_rating u8, 12 user_profile_index u16, 13 bmi u16/10
31 course: 4 sport enum, 5 name text, 6 capabilities u32z, 7 sub_sport enum
32 course_point: 1 timestamp time, 2 position_lat i32, 3 position_long i32, 4 distance u32/100, 5 type enum,
 6 name text, 8 favorite enum, 254 message_index u16
33 totals: 0 timer_time u32, 1 distance u32, 2 calories u32, 3 sport enum, 4 elapsed_time u32, 5 sessions u16,
 6 active_time u32, 9 sport_index u8, 254 message_index u16
37 file_capabilities: 0 type enum, 1 flags u8z, 2 directory text, 3 max_count u16, 4 max_size u32,
 254 message_index u16
38 mesg_capabilities: 0 file enum, 1 mesg_num u16, 2 count_type enum, 3 count u16, 254 message_index u16
39 field_capabilities: 0 file enum, 1 mesg_num u16, 2 field_num u8, 3 count u16, 254 message_index u16
51 blood_pressure: 0 systolic_pressure u16, 1 diastolic_pressure u16, 2 mean_arterial_pressure u16,
 3 map_3_sample_mean u16, 4 map_morning_values u16, 5 map_evening_values u16, 6 heart_rate u8, 7 heart_rate_type enum,
 8 status enum, 9 user_profile_index u16
55 monitoring: 0 device_index u8, 1 calories u16, 2 distance u32/100, 3 cycles u32/2, 4 active_time u32/1000,
 5 activity_type enum, 6 activity_subtype enum, 7 activity_level enum, 8 distance_16 u16, 9 cycles_16 u16,
 10 active_time_16 u16, 11 local_timestamp wall, 12 temperature i16/100, 14 temperature_min i16/100,
 15 temperature_max i16/100, 16 activity_time u16, 19 active_calories u16, 24 current_activity_type_intensity byte,
 25 timestamp_min_8 u8, 26 timestamp_16 u16, 27 heart_rate u8, 28 intensity u8/10, 29 duration_min u16,
 30 duration u32, 31 ascent u32/1000, 32 descent u32/1000, 33 moderate_activity_minutes u16,
 34 vigorous_activity_minutes u16
72 training_file: 0 type enum, 1 manufacturer u16, 2 product u16, 3 serial_number u32z, 4 time_created time
80 ant_rx: 0 fractional_timestamp u16/32768, 1 mesg_id byte, 2 mesg_data byte, 3 channel_number u8, 4 data byte
81 ant_tx: 0 fractional_timestamp u16/32768, 1 mesg_id byte, 2 mesg_data byte, 3 channel_number u8, 4 data byte
82 ant_channel_id: 0 channel_number u8, 1 device_type u8z, 2 device_number u16z, 3 transmission_type u8z,
 4 device_index u8
103 monitoring_info: 0 local_timestamp wall, 1 activity_type enum, 3 cycles_to_distance u16/5000,
 4 cycles_to_calories u16/5000, 5 resting_metabolic_rate u16
106 slave_device: 0 manufacturer u16, 1 product u16
127 connectivity: 0 bluetooth_enabled enum, 1 bluetooth_le_enabled enum, 2 ant_enabled enum, 3 name text,
 4 live_tracking_enabled enum, 5 weather_conditions_enabled enum, 6 weather_alerts_enabled enum,
 7 auto_activity_upload_enabled enum, 8 course_download_enabled enum, 9 workout_download_enabled enum,
 10 gps_ephemeris_download_enabled enum, 11 incident_detection_enabled enum, 12 grouptrack_enabled enum
129 weather_alert: 0 report_id text, 1 issue_time time, 2 expire_time time, 3 severity enum, 4 type enum
145 memo_glob: 0 memo byte, 1 mesg_num u16, 2 parent_index u16, 3 field_num u8, 4 data u8z, 250 part_index u32
148 segment_id: 0 name text, 1 uuid text, 2 sport enum, 3 enabled enum, 4 user_profile_primary_key u32,
 5 device_id u32, 6 default_race_leader u8, 7 delete_status enum, 8 selection_type enum
149 segment_leaderboard_entry: 0 name text, 1 type enum, 2 group_primary_key u32, 3 activity_id u32,
 4 segment_time u32/1000, 5 activity_id_string text, 254 message_index u16
150 segment_point: 1 position_lat i32, 2 position_long i32, 3 distance u32/100, 4 altitude u16/5-500,
 5 leader_time u32/1000, 6 enhanced_altitude u32/5-500, 254 message_index u16
151 segment_file: 1 file_uuid text, 3 enabled enum, 4 user_profile_primary_key u32, 7 leader_type enum,
 8 leader_group_primary_key u32, 9 leader_activity_id u32, 10 leader_activity_id_string text,
 11 default_race_leader u8, 254 message_index u16
159 watchface_settings: 0 mode enum, 1 layout byte, 254 message_index u16
161 camera_event: 0 timestamp_ms u16, 1 camera_event_type enum, 2 camera_file_uuid text, 3 camera_orientation enum
164 gyroscope_data: 0 timestamp_ms u16, 1 sample_time_offset u16, 2 gyro_x u16, 3 gyro_y u16, 4 gyro_z u16,
 5 calibrated_gyro_x f32, 6 calibrated_gyro_y f32, 7 calibrated_gyro_z f32
165 accelerometer_data: 0 timestamp_ms u16, 1 sample_time_offset u16, 2 accel_x u16, 3 accel_y u16, 4 accel_z u16,
 5 calibrated_accel_x f32, 6 calibrated_accel_y f32, 7 calibrated_accel_z f32, 8 compressed_calibrated_accel_x i16,
 9 compressed_calibrated_accel_y i16, 10 compressed_calibrated_accel_z i16
167 three_d_sensor_calibration: 0 sensor_type enum, 1 calibration_factor u32, 2 calibration_divisor u32,
 3 level_shift u32, 4 offset_cal i32, 5 orientation_matrix i32/65535
169 video_frame: 0 timestamp_ms u16, 1 frame_number u32
174 obdii_data: 0 timestamp_ms u16, 1 time_offset u16, 2 pid byte, 3 raw_data byte, 4 pid_data_size u8,
 5 system_time u32, 6 start_timestamp time, 7 start_timestamp_ms u16
177 nmea_sentence: 0 timestamp_ms u16, 1 sentence text
178 aviation_attitude: 0 timestamp_ms u16, 1 system_time u32, 2 pitch i16/10430.4, 3 roll i16/10430.4,
 4 accel_lateral i16/100, 5 accel_normal i16/100, 6 turn_rate i16/1024, 7 stage enum, 8 attitude_stage_complete u8,
 9 track u16/10430.4, 10 validity u16
184 video: 0 url text, 1 hosting_provider text, 2 duration u32
185 video_title: 0 message_count u16, 1 text text, 254 message_index u16
186 video_description: 0 message_count u16, 1 text text, 254 message_index u16
187 video_clip: 0 clip_number u16, 1 start_timestamp time, 2 start_timestamp_ms u16, 3 end_timestamp time,
 4 end_timestamp_ms u16, 6 clip_start u32, 7 clip_end u32
188 ohr_settings: 0 enabled enum
200 exd_screen_configuration: 0 screen_index u8, 1 field_count u8, 2 layout enum, 3 screen_enabled enum
201 exd_data_field_configuration: 0 screen_index u8, 1 concept_field byte, 2 field_id u8, 3 concept_count u8,
 4 display_type enum, 5 title text
202 exd_data_concept_configuration: 0 screen_index u8, 1 concept_field byte, 2 field_id u8, 3 concept_index u8,
 4 data_page u8, 5 concept_key u8, 6 scaling u8, 8 data_units enum, 9 qualifier enum, 10 descriptor enum,
 11 is_signed enum
208 magnetometer_data: 0 timestamp_ms u16, 1 sample_time_offset u16, 2 mag_x u16, 3 mag_y u16, 4 mag_z u16,
 5 calibrated_mag_x f32, 6 calibrated_mag_y f32, 7 calibrated_mag_z f32
209 barometer_data: 0 timestamp_ms u16, 1 sample_time_offset u16, 2 baro_pres u32
210 one_d_sensor_calibration: 0 sensor_type enum, 1 calibration_factor u32, 2 calibration_divisor u32,
 3 level_shift u32, 4 offset_cal i32
211 monitoring_hr_data: 0 resting_heart_rate u8, 1 current_day_resting_heart_rate u8
227 stress_level: 0 stress_level_value i16, 1 stress_level_time time
229 max_met_data: 0 update_time time, 2 vo2_max u16/10, 5 sport enum, 6 sub_sport enum, 8 max_met_category enum,
 9 calibrated_data enum, 12 hr_source enum, 13 speed_source enum
258 dive_settings: 0 name text, 1 model enum, 2 gf_low u8, 3 gf_high u8, 4 water_type enum, 5 water_density f32,
 6 po2_warn u8/100, 7 po2_critical u8/100, 8 po2_deco u8/100, 9 safety_stop_enabled enum, 10 bottom_depth f32,
 11 bottom_time u32, 12 apnea_countdown_enabled enum, 13 apnea_countdown_time u32, 14 backlight_mode enum,
 15 backlight_brightness u8, 16 backlight_timeout u8, 17 repeat_dive_interval u16, 18 safety_stop_time u16,
 19 heart_rate_source_type enum, 20 heart_rate_source u8, 21 travel_gas u16, 22 ccr_low_setpoint_switch_mode enum,
 23 ccr_low_setpoint u8/100, 24 ccr_low_setpoint_depth u32/1000, 25 ccr_high_setpoint_switch_mode enum,
 26 ccr_high_setpoint u8/100, 27 ccr_high_setpoint_depth u32/1000, 29 gas_consumption_display enum,
 30 up_key_enabled enum, 35 dive_sounds enum, 36 last_stop_multiple u8/10, 37 no_fly_time_mode enum,
 254 message_index u16
259 dive_gas: 0 helium_content u8, 1 oxygen_content u8, 2 status enum, 3 mode enum, 254 message_index u16
262 dive_alarm: 0 depth u32/1000, 1 time i32, 2 enabled enum, 3 alarm_type enum, 4 sound enum, 5 dive_types enum,
 6 id u32, 7 popup_enabled enum, 8 trigger_on_descent enum, 9 trigger_on_ascent enum, 10 repeating enum,
 11 speed i32/1000, 254 message_index u16
264 exercise_title: 0 exercise_category u16, 1 exercise_name u16, 2 wkt_step_name text, 254 message_index u16
268 dive_summary: 0 reference_mesg u16, 1 reference_index u16, 2 avg_depth u32/1000, 3 max_depth u32/1000,
 4 surface_interval u32, 5 start_cns u8, 6 end_cns u8, 7 start_n2 u16, 8 end_n2 u16, 9 o2_toxicity u16,
 10 dive_number u32, 11 bottom_time u32/1000, 12 avg_pressure_sac u16/100, 13 avg_volume_sac u16/100,
 14 avg_rmv u16/100, 15 descent_time u32/1000, 16 ascent_time u32/1000, 17 avg_ascent_rate i32/1000,
 22 avg_descent_rate u32/1000, 23 max_ascent_rate u32/1000, 24 max_descent_rate u32/1000, 25 hang_time u32/1000
269 spo2_data: 0 reading_spo2 u8, 1 reading_confidence u8, 2 mode enum
275 sleep_level: 0 sleep_level enum
289 aad_accel_features: 0 time u16, 1 energy_total u32, 2 zero_cross_cnt u16, 3 instance u8,
 4 time_above_threshold u16/25
297 respiration_rate: 0 respiration_rate i16/100
302 hsa_accelerometer_data: 0 timestamp_ms u16, 1 sampling_interval u16, 2 accel_x i16/1.024, 3 accel_y i16/1.024,
 4 accel_z i16/1.024, 5 timestamp_32k u32
304 hsa_step_data: 0 processing_interval u16, 1 steps u32
305 hsa_spo2_data: 0 processing_interval u16, 1 reading_spo2 u8, 2 confidence u8
306 hsa_stress_data: 0 processing_interval u16, 1 stress_level i8
307 hsa_respiration_data: 0 processing_interval u16, 1 respiration_rate i16/100
308 hsa_heart_rate_data: 0 processing_interval u16, 1 status u8, 2 heart_rate u8
314 hsa_body_battery_data: 0 processing_interval u16, 1 level i8, 2 charged i16, 3 uncharged i16
315 hsa_event: 0 event_id u8
319 tank_update: 0 sensor u32z, 1 pressure u16/100
323 tank_summary: 0 sensor u32z, 1 start_pressure u16/100, 2 end_pressure u16/100, 3 volume_used u32/100
346 sleep_assessment: 0 combined_awake_score u8, 1 awake_time_score u8, 2 awakenings_count_score u8,
 3 deep_sleep_score u8, 4 sleep_duration_score u8, 5 light_sleep_score u8, 6 overall_sleep_score u8,
 7 sleep_quality_score u8, 8 sleep_recovery_score u8, 9 rem_sleep_score u8, 10 sleep_restlessness_score u8,
 11 awakenings_count u8, 14 interruptions_score u8, 15 average_stress_during_sleep u16/100
370 hrv_status_summary: 0 weekly_average u16/128, 1 last_night_average u16/128, 2 last_night_5_min_high u16/128,
 3 baseline_low_upper u16/128, 4 baseline_balanced_lower u16/128, 5 baseline_balanced_upper u16/128, 6 status enum
371 hrv_value: 0 value u16/128
372 raw_bbi: 0 timestamp_ms u16, 1 data u16, 2 time u16, 3 quality u8, 4 gap u8
375 device_aux_battery_info: 0 device_index u8, 1 battery_voltage u16/256, 2 battery_status u8,
 3 battery_identifier u8
376 hsa_gyroscope_data: 0 timestamp_ms u16, 1 sampling_interval u16, 2 gyro_x i16/28.5714, 3 gyro_y i16/28.5714,
 4 gyro_z i16/28.5714, 5 timestamp_32k u32
387 chrono_shot_session: 0 min_speed u32/1000, 1 max_speed u32/1000, 2 avg_speed u32/1000, 3 shot_count u16,
 4 projectile_type enum, 5 grain_weight u32/10, 6 standard_deviation u32/1000
388 chrono_shot_data: 0 shot_speed u32/1000, 1 shot_num u16
389 hsa_configuration_data: 0 data byte, 1 data_size u8
393 dive_apnea_alarm: 0 depth u32/1000, 1 time i32, 2 enabled enum, 3 alarm_type enum, 4 sound enum,
 5 dive_types enum, 6 id u32, 7 popup_enabled enum, 8 trigger_on_descent enum, 9 trigger_on_ascent enum,
 10 repeating enum, 11 speed i32/1000, 254 message_index u16
398 skin_temp_overnight: 0 local_timestamp wall, 1 average_deviation f32, 2 average_7_day_deviation f32,
 4 nightly_value f32
409 hsa_wrist_temperature_data: 0 processing_interval u16, 1 value u16/1000
"""
