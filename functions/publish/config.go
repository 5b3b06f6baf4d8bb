package main

import (
	"fmt"

	"feedstream/shared/config"
	"feedstream/shared/feed"
)

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

// Validate refuses the name by which samples are told from records.
func (t Topics) Validate() error {
	if t.Input == feed.SampleTopic {
		return fmt.Errorf("INPUT_TOPIC is %s, which is kept for samples that nobody published: name the topic otherwise", t.Input)
	}
	return nil
}
