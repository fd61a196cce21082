"""Sub-fields: what a field means is said by another field of the same message.

A line is `kind.field: name type if other value …`; types are spelled as in `profile_activity`.
"""

TEXT = """
file_id.product: favero_product u16 if manufacturer 263
file_id.product: garmin_product u16 if manufacturer 1 13 15 89
session.total_cycles: total_strides u32 if sport 1 11
session.total_cycles: total_strokes u32 if sport 2 5 15 37
session.avg_cadence: avg_running_cadence u8 if sport 1
session.max_cadence: max_running_cadence u8 if sport 1
lap.total_cycles: total_strides u32 if sport 1 11
lap.total_cycles: total_strokes u32 if sport 2 5 15 37
lap.avg_cadence: avg_running_cadence u8 if sport 1
lap.max_cadence: max_running_cadence u8 if sport 1
event.data: auto_activity_detect_duration u16 if event 54
event.data: battery_level u16/1000 if event 11
event.data: cad_high_alert u16 if event 17
event.data: cad_low_alert u16 if event 18
event.data: calorie_duration_alert u32 if event 25
event.data: comm_timeout u16 if event 47
event.data: course_point_index u16 if event 10
event.data: distance_duration_alert u32/100 if event 24
event.data: dive_alert enum if event 56
event.data: fitness_equipment_state enum if event 27
event.data: gear_change_data u32 if event 42 43
event.data: hr_high_alert u8 if event 13
event.data: hr_low_alert u8 if event 14
event.data: power_high_alert u16 if event 19
event.data: power_low_alert u16 if event 20
event.data: radar_threat_alert u32 if event 75
event.data: rider_position enum if event 44
event.data: speed_high_alert u32/1000 if event 15
event.data: speed_low_alert u32/1000 if event 16
event.data: sport_point u32 if event 33
event.data: time_duration_alert u32/1000 if event 23
event.data: timer_trigger enum if event 0
event.data: virtual_partner_speed u16/1000 if event 12
event.start_timestamp: auto_activity_detect_start_timestamp time if event 54
device_info.device_type: ant_device_type u8 if source_type 0
device_info.device_type: antplus_device_type u8 if source_type 1
device_info.device_type: ble_device_type u8 if source_type 3
device_info.device_type: local_device_type u8 if source_type 5
device_info.product: favero_product u16 if manufacturer 263
device_info.product: garmin_product u16 if manufacturer 1 13 15 89
workout_step.duration_value: duration_calories u32 if duration_type 4
workout_step.duration_value: duration_distance u32/100 if duration_type 1
workout_step.duration_value: duration_hr u32 if duration_type 2 3
workout_step.duration_value: duration_power u32 if duration_type 14 15
workout_step.duration_value: duration_reps u32 if duration_type 29
workout_step.duration_value: duration_step u32 if duration_type 6 7 8 9 10 11 12 13
workout_step.duration_value: duration_time u32/1000 if duration_type 0 28
workout_step.target_value: repeat_calories u32 if duration_type 9
workout_step.target_value: repeat_distance u32/100 if duration_type 8
workout_step.target_value: repeat_hr u32 if duration_type 10 11
workout_step.target_value: repeat_power u32 if duration_type 12 13
workout_step.target_value: repeat_steps u32 if duration_type 6
workout_step.target_value: repeat_time u32/1000 if duration_type 7
workout_step.target_value: target_cadence_zone u32 if target_type 3
workout_step.target_value: target_hr_zone u32 if target_type 1
workout_step.target_value: target_power_zone u32 if target_type 4
workout_step.target_value: target_speed_zone u32 if target_type 0
workout_step.target_value: target_stroke_type enum if target_type 11
workout_step.custom_target_value_low: custom_target_cadence_low u32 if target_type 3
workout_step.custom_target_value_low: custom_target_heart_rate_low u32 if target_type 1
workout_step.custom_target_value_low: custom_target_power_low u32 if target_type 4
workout_step.custom_target_value_low: custom_target_speed_low u32/1000 if target_type 0
workout_step.custom_target_value_high: custom_target_cadence_high u32 if target_type 3
workout_step.custom_target_value_high: custom_target_heart_rate_high u32 if target_type 1
workout_step.custom_target_value_high: custom_target_power_high u32 if target_type 4
workout_step.custom_target_value_high: custom_target_speed_high u32/1000 if target_type 0
workout_step.secondary_target_value: secondary_target_cadence_zone u32 if secondary_target_type 3
workout_step.secondary_target_value: secondary_target_hr_zone u32 if secondary_target_type 1
workout_step.secondary_target_value: secondary_target_power_zone u32 if secondary_target_type 4
workout_step.secondary_target_value: secondary_target_speed_zone u32 if secondary_target_type 0
workout_step.secondary_target_value: secondary_target_stroke_type enum if secondary_target_type 11
workout_step.secondary_custom_target_value_low: secondary_custom_target_cadence_low u32 if secondary_target_type 3
workout_step.secondary_custom_target_value_low: secondary_custom_target_heart_rate_low u32 if secondary_target_type 1
workout_step.secondary_custom_target_value_low: secondary_custom_target_power_low u32 if secondary_target_type 4
workout_step.secondary_custom_target_value_low: secondary_custom_target_speed_low u32/1000 if secondary_target_type 0
workout_step.secondary_custom_target_value_high: secondary_custom_target_cadence_high u32 if secondary_target_type 3
workout_step.secondary_custom_target_value_high: secondary_custom_target_heart_rate_high u32 if secondary_target_type 1
workout_step.secondary_custom_target_value_high: secondary_custom_target_power_high u32 if secondary_target_type 4
workout_step.secondary_custom_target_value_high: secondary_custom_target_speed_high u32/1000 if secondary_target_type 0
schedule.product: favero_product u16 if manufacturer 263
schedule.product: garmin_product u16 if manufacturer 1 13 15 89
mesg_capabilities.count: max_per_file u16 if count_type 1
mesg_capabilities.count: max_per_file_type u16 if count_type 2
mesg_capabilities.count: num_per_file u16 if count_type 0
monitoring.cycles: steps u32 if activity_type 1 6
monitoring.cycles: strokes u32/2 if activity_type 2 5
training_file.product: favero_product u16 if manufacturer 263
training_file.product: garmin_product u16 if manufacturer 1 13 15 89
slave_device.product: favero_product u16 if manufacturer 263
slave_device.product: garmin_product u16 if manufacturer 1 13 15 89
segment_lap.total_cycles: total_strokes u32 if sport 2
watchface_settings.layout: analog_layout enum if mode 1
watchface_settings.layout: digital_layout enum if mode 0
three_d_sensor_calibration.calibration_factor: accel_cal_factor u32 if sensor_type 0
three_d_sensor_calibration.calibration_factor: gyro_cal_factor u32 if sensor_type 1
one_d_sensor_calibration.calibration_factor: baro_cal_factor u32 if sensor_type 3
dive_settings.heart_rate_source: heart_rate_antplus_device_type u8 if heart_rate_source_type 1
dive_settings.heart_rate_source: heart_rate_local_device_type u8 if heart_rate_source_type 5
"""
