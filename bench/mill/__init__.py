"""A pipeline for measurements, registered as any pipeline is: DJANGO_SETTINGS_MODULE=bench.mill.settings penstock …"""
