package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/spf13/pflag"
)

// port is one of the addresses the local stack listens on, always on loopback.
type port struct {
	flag, what string
	number     int
}

// ports are all of them, with the defaults of the real servers where there are such.
type ports struct {
	console, fc, http, oss, kafka, mongodb, zookeeper, hbase port
}

func defaultPorts() *ports {
	return &ports{
		console:   port{"console-port", "console", 8080},
		fc:        port{"fc-port", "Function Compute API", 8081},
		http:      port{"http-port", "HTTP triggers", 8082},
		oss:       port{"oss-port", "OSS", 8083},
		kafka:     port{"kafka-port", "Kafka", 9092},
		mongodb:   port{"mongodb-port", "MongoDB", 27017},
		zookeeper: port{"zookeeper-port", "ZooKeeper", 2181},
		hbase:     port{"hbase-port", "HBase", 16020},
	}
}

func (p *ports) all() []*port {
	return []*port{&p.console, &p.fc, &p.http, &p.oss, &p.kafka, &p.mongodb, &p.zookeeper, &p.hbase}
}

func (p *ports) addFlags(flags *pflag.FlagSet) {
	for _, each := range p.all() {
		flags.IntVar(&each.number, each.flag, each.number, "port of the "+each.what+" on 127.0.0.1; 0 takes a free one")
	}
}

// takeFree makes every port one that the system chooses.
func (p *ports) takeFree() {
	for _, each := range p.all() {
		each.number = 0
	}
}

func (p port) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.number)) }

// check finds every port that is taken before anything is started.
func (p *ports) check() error {
	var problems []error
	for _, each := range p.all() {
		listener, err := net.Listen("tcp", each.addr())
		if err != nil {
			problems = append(problems, fmt.Errorf("the port of the %s, %s, is taken: choose another with --%s",
				each.what, each.addr(), each.flag))
			continue
		}
		if err := listener.Close(); err != nil {
			problems = append(problems, fmt.Errorf("release %s: %w", each.addr(), err))
		}
	}
	return errors.Join(problems...)
}
