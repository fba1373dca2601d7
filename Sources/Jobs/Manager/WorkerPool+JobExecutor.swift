extension WorkerPool: JobExecutor {}
