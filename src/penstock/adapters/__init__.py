"""The outside world: files, pictures, models, servers. Knows neither the database nor Django."""
