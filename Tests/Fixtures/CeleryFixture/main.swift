print("celery-fixture has no command yet")
