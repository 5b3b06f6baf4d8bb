package main

import "feedstream/shared/config"

// Config is the environment of feed-enrich.
type Config struct {
	Server    config.Server
	Kafka     config.Kafka
	HBase     config.HBase
	OSS       config.OSS
	Freshness config.Freshness
	Topics    Topics
	Telemetry config.Telemetry
}

// Topics are the topics that feed-enrich produces to.
type Topics struct {
	Output     string `env:"OUTPUT_TOPIC" envDefault:"feed-records"`
	Quarantine string `env:"QUARANTINE_TOPIC" envDefault:"feed-quarantine"`
}
