"""Training by `keras.Model.fit`: schedule, optimizers, logs, backups, devices."""
