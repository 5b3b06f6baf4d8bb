package rules

import (
	"net"
	"net/url"
	"regexp"
	"strings"

	"feedstream/shared/config"
)

var networkRules = []rule{
	{"vpc", vpc},
	{"role", role},
	{"role-form", roleForm},
	{"internet-access", internetAccess},
	{"endpoint-https", endpointHTTPS},
	{"endpoint-internal", endpointInternal},
	{"endpoint-region", endpointRegion},
	{"broker-instance", brokerInstance},
	{"broker-internal", brokerInternal},
	{"region", region},
}

// vpc: the services have no public addresses.
func vpc(d *deployment) []Problem {
	return d.eachOwn(func(f function) (problems []Problem) {
		for _, name := range []string{"vpcId", "vSwitchIds", "securityGroupId"} {
			at := f.at("vpcConfig", name)
			problems = append(problems, when(f.at("vpcConfig").text() != "auto" && at.empty(),
				at.wrong("write vpcConfig with vpcId, vSwitchIds and securityGroupId",
					"%s has no %s: it does not reach the services", f.name, name))...)
		}
		return problems
	})
}

// role: without it the function has no credentials.
func role(d *deployment) []Problem {
	return d.eachOwn(func(f function) []Problem {
		at := f.at("role")
		return when(at.empty(), at.wrong("write role: ${env('…')} with the address of a role",
			"%s has no role: it reaches neither OSS nor its network", f.name))
	})
}

var roleAddress = regexp.MustCompile(`^acs:ram::\d+:role/[a-z0-9.-]+$`)

// roleForm: the component makes the address lower case, so a role with capitals is not found.
func roleForm(d *deployment) []Problem {
	return d.each(func(f function) []Problem {
		at := f.at("role")
		remedy := "write acs:ram::<account id>:role/<name>"
		if roleAddress.MatchString(strings.ToLower(at.text())) {
			remedy = "give the role a name in lower case: the component writes it so"
		}
		return when(at.text() != "" && !roleAddress.MatchString(at.text()),
			at.wrong(remedy, "the role of %s, %q, will not be found", f.name, at.text()))
	})
}

// internetAccess: left out, it is on.
func internetAccess(d *deployment) []Problem {
	return d.each(func(f function) []Problem {
		at := f.at("internetAccess")
		return when(!at.present(), at.wrong("write internetAccess: false, or true where the function needs it",
			"nobody decided whether %s reaches the internet: it does", f.name))
	})
}

// endpoint is the host and scheme that OSS_ENDPOINT names, as the functions take it.
func (f function) endpoint() (at node, scheme, host string) {
	at = f.at("environmentVariables", "OSS_ENDPOINT")
	oss := config.OSS{Endpoint: at.text(), Bucket: f.variable("OSS_BUCKET")}
	if at.text() == "" || oss.Validate() != nil {
		return at, "", ""
	}
	u, err := url.Parse(oss.Endpoint)
	if err != nil {
		return at, "", ""
	}
	return at, u.Scheme, strings.ToLower(u.Hostname())
}

func endpointHTTPS(d *deployment) []Problem {
	return d.each(func(f function) []Problem {
		at, scheme, _ := f.endpoint()
		return when(scheme == "http", at.wrong("write https://", "OSS_ENDPOINT of %s is without TLS: %s", f.name, at.text()))
	})
}

// ossHost takes a host of OSS apart: the region, and whether it is the internal address.
var ossHost = regexp.MustCompile(`^oss-([a-z]+-[a-z0-9-]+?)(-internal)?\.aliyuncs\.com$`)

// endpointInternal: the public address is reached over the internet, where a function in a VPC has no way, or a paid one.
func endpointInternal(d *deployment) []Problem {
	return d.each(func(f function) []Problem {
		at, _, host := f.endpoint()
		m := ossHost.FindStringSubmatch(host)
		return when(m != nil && m[2] == "", at.wrong("write https://"+strings.TrimSuffix(host, ".aliyuncs.com")+"-internal.aliyuncs.com",
			"OSS_ENDPOINT of %s is the public address %s", f.name, host))
	})
}

func endpointRegion(d *deployment) []Problem {
	return d.each(func(f function) []Problem {
		at, _, host := f.endpoint()
		m, own := ossHost.FindStringSubmatch(host), f.at("region").text()
		return when(m != nil && own != "" && m[1] != own, at.wrong("name the endpoint of "+own,
			"OSS_ENDPOINT of %s is in another region than the function, %s", f.name, own))
	})
}

// brokers are the hosts of KAFKA_BROKERS.
func (f function) brokers() (at node, hosts []string) {
	at = f.at("environmentVariables", "KAFKA_BROKERS")
	for broker := range strings.SplitSeq(at.text(), ",") {
		if host, _, err := net.SplitHostPort(strings.TrimSpace(broker)); err == nil {
			hosts = append(hosts, strings.ToLower(host))
		}
	}
	return at, hosts
}

// brokerHost takes a broker of ApsaraMQ for Kafka apart: its instance, and whether it is the address in the VPC.
var brokerHost = regexp.MustCompile(`^(alikafka-.+?)-\d+(-vpc)?\.alikafka\.aliyuncs\.com$`)

// brokerInstance: the event stream reads an instance, the functions write to brokers, and nothing else holds the two
// together. Addresses of machines and names of the user's own zone say nothing about their instance.
func brokerInstance(d *deployment) (problems []Problem) {
	for _, t := range d.streams {
		instance := t.source("InstanceId").text()
		for _, f := range d.functions {
			at, hosts := f.brokers()
			for _, host := range hosts {
				m := brokerHost.FindStringSubmatch(host)
				if instance == "" || m == nil || m[1] == strings.ReplaceAll(strings.ToLower(instance), "_", "-") {
					continue
				}
				problems = append(problems, at.wrong("set the brokers of the instance, or the instance of the brokers",
					"the broker %s of %s is none of the Kafka instance %s that the event stream reads", host, f.name, instance))
			}
		}
	}
	return problems
}

func brokerInternal(d *deployment) []Problem {
	return d.each(func(f function) (problems []Problem) {
		at, hosts := f.brokers()
		for _, host := range hosts {
			if m := brokerHost.FindStringSubmatch(host); m != nil && m[2] == "" {
				problems = append(problems, at.wrong("set the brokers' address in the VPC: …-vpc.alikafka.aliyuncs.com",
					"the broker %s of %s is a public address", host, f.name))
			}
		}
		return problems
	})
}

// region: functions of one feed share its services, which are in one region.
func region(d *deployment) (problems []Problem) {
	var first node
	for _, f := range d.functions {
		at := f.at("region")
		if at.text() == "" {
			continue
		}
		if first.in == nil {
			first = at
		}
		problems = append(problems, when(at.text() != first.text(), at.wrong("write ${vars.region}",
			"%s runs in %s, and another function of the feed in %s", f.name, at.text(), first.text()))...)
		oss := f.at("environmentVariables", "OSS_REGION")
		problems = append(problems, when(oss.text() != "" && oss.text() != at.text(), oss.wrong("write ${vars.region}",
			"OSS_REGION of %s is %s, and it runs in %s", f.name, oss.text(), at.text()))...)
	}
	return problems
}
