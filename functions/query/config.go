package main

import "feedstream/shared/config"

// Config is the environment of feed-query.
type Config struct {
	Server    config.Server
	HBase     config.HBase
	OSS       config.OSS
	Freshness config.Freshness
}
