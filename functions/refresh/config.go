package main

import "feedstream/shared/config"

// Config is the environment of feed-refresh.
type Config struct {
	Server    config.Server
	Mongo     config.Mongo
	OSS       config.OSS
	Admission config.Admission
}
