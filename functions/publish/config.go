package main

import "feedstream/shared/config"

// Config is the environment of feed-publish.
type Config struct {
	Server config.Server
	Kafka  config.Kafka
	Topics Topics
}

// Topics are the topics that feed-publish produces to.
type Topics struct {
	Input string `env:"INPUT_TOPIC" envDefault:"feed-updates"`
}
