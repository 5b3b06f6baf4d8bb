package stack

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/spf13/pflag"

	"feedstream/local/target"
)

const loopback = "127.0.0.1"

// port is one of the addresses the local stack listens on.
type port struct {
	flag, what string
	number     int
	of         target.Service // the embedded service that listens there, if it is one
}

// Ports are all ports of a stack. Services that are named elsewhere need none.
type Ports struct {
	// ListenHost is where console, HTTP triggers and API listen. Embedded services have no authentication
	// and stay on loopback.
	ListenHost string

	console, fc, http, oss, kafka, mongodb, zookeeper, hbase port
}

// DefaultPorts are those of the real servers where there are such.
func DefaultPorts() *Ports {
	return &Ports{
		ListenHost: loopback,
		console:    port{"console-port", "console", 8080, ""},
		fc:         port{"fc-port", "Function Compute API", 8081, ""},
		http:       port{"http-port", "HTTP triggers", 8082, ""},
		oss:        port{"oss-port", "OSS", 8083, target.OSS},
		kafka:      port{"kafka-port", "Kafka", 9092, target.Kafka},
		mongodb:    port{"mongodb-port", "MongoDB", 27017, target.MongoDB},
		zookeeper:  port{"zookeeper-port", "ZooKeeper", 2181, target.HBase},
		hbase:      port{"hbase-port", "HBase", 16020, target.HBase},
	}
}

func (p *Ports) all() []*port {
	return []*port{&p.console, &p.fc, &p.http, &p.oss, &p.kafka, &p.mongodb, &p.zookeeper, &p.hbase}
}

// AddFlags lets a command line choose each port and the host.
func (p *Ports) AddFlags(flags *pflag.FlagSet) {
	for _, each := range p.all() {
		flags.IntVar(&each.number, each.flag, each.number, "port of the "+each.what+"; 0 takes a free one")
	}
	flags.StringVar(&p.ListenHost, "listen-host", p.ListenHost,
		"address that console, HTTP triggers and Function Compute API listen on, for use inside of a container")
}

// free are ports that the system chooses, on the same host.
func (p *Ports) free() *Ports {
	chosen := DefaultPorts()
	if p != nil {
		chosen.ListenHost = p.ListenHost
	}
	for _, each := range chosen.all() {
		each.number = 0
	}
	return chosen
}

// addr keeps the embedded services on loopback, wherever the rest listens.
func (p *Ports) addr(each port) string {
	host := p.ListenHost
	if each.of != "" {
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

// check finds every port that is taken before anything is started.
func (p *Ports) check(elsewhere *target.Target) error {
	var problems []error
	for _, each := range p.all() {
		if elsewhere.Has(each.of) {
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
