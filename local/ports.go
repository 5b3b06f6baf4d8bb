package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/spf13/pflag"
)

const loopback = "127.0.0.1"

// port is one of the addresses the local stack listens on.
type port struct {
	flag, what string
	number     int
	unless     string // the variable that names another server in its place
}

// ports are all of them, with the defaults of the real servers where there are such.
type ports struct {
	listenHost                                               string
	console, fc, http, oss, kafka, mongodb, zookeeper, hbase port
}

func defaultPorts() *ports {
	return &ports{
		listenHost: loopback,
		console:    port{"console-port", "console", 8080, ""},
		fc:         port{"fc-port", "Function Compute API", 8081, ""},
		http:       port{"http-port", "HTTP triggers", 8082, ""},
		oss:        port{"oss-port", "OSS", 8083, "OSS_ENDPOINT"},
		kafka:      port{"kafka-port", "Kafka", 9092, "KAFKA_BROKERS"},
		mongodb:    port{"mongodb-port", "MongoDB", 27017, "MONGODB_URI"},
		zookeeper:  port{"zookeeper-port", "ZooKeeper", 2181, "HBASE_ZOOKEEPER"},
		hbase:      port{"hbase-port", "HBase", 16020, "HBASE_ZOOKEEPER"},
	}
}

func (p *ports) all() []*port {
	return []*port{&p.console, &p.fc, &p.http, &p.oss, &p.kafka, &p.mongodb, &p.zookeeper, &p.hbase}
}

func (p *ports) addFlags(flags *pflag.FlagSet) {
	for _, each := range p.all() {
		flags.IntVar(&each.number, each.flag, each.number, "port of the "+each.what+"; 0 takes a free one")
	}
	flags.StringVar(&p.listenHost, "listen-host", p.listenHost,
		"address that console, HTTP triggers and Function Compute API listen on, for use inside of a container")
}

// takeFree makes every port one that the system chooses.
func (p *ports) takeFree() {
	for _, each := range p.all() {
		each.number = 0
	}
}

// addr keeps the embedded services on loopback, wherever the rest listens.
func (p *ports) addr(each port) string {
	host := p.listenHost
	if each.unless != "" {
		host = loopback
	}
	return net.JoinHostPort(host, strconv.Itoa(each.number))
}

// reachable is where a client on this machine finds a listener: one that listens on every address, on loopback.
func reachable(addr string) string {
	host, number, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = loopback
	}
	return net.JoinHostPort(host, number)
}

// check finds every port that is taken before anything is started. Services that external names need none.
func (p *ports) check(external environment) error {
	var problems []error
	for _, each := range p.all() {
		if external.names(each.unless) {
			continue
		}
		listener, err := net.Listen("tcp", p.addr(*each))
		if err != nil {
			problems = append(problems, fmt.Errorf("the port of the %s, %s, is taken: choose another with --%s",
				each.what, p.addr(*each), each.flag))
			continue
		}
		if err := listener.Close(); err != nil {
			problems = append(problems, fmt.Errorf("release %s: %w", p.addr(*each), err))
		}
	}
	return errors.Join(problems...)
}
