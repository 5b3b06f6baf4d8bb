package rules

import "regexp"

var deadLetterRules = []rule{
	{"dead-letter-missing", deadLetterMissing},
	{"dead-letter-loop", deadLetterLoop},
	{"dead-letter-region", deadLetterRegion},
	{"dead-letter-instance", deadLetterInstance},
}

// letterBox takes the address of a dead-letter topic apart: region, instance, topic.
var letterBox = regexp.MustCompile(`^acs:alikafka:([^:]*):[^:]*:instance/([^/]+)/topic/(.+)$`)

func (t trigger) deadLetter() (at node, region, instance, topic string) {
	at = t.config.at("runOptions", "deadLetterQueue", "Arn")
	if m := letterBox.FindStringSubmatch(at.text()); m != nil {
		region, instance, topic = m[1], m[2], m[3]
	}
	return at, region, instance, topic
}

// deadLetterMissing: without a queue a push that is given up is discarded, without a trace.
func deadLetterMissing(d *deployment) []Problem {
	return d.eachStream(func(t trigger) []Problem {
		at, _, _, _ := t.deadLetter()
		return when(!at.present(), at.wrong(
			"write deadLetterQueue: {Arn: acs:alikafka:${vars.region}:<account>:instance/<instance>/topic/feed-deadletter}",
			"the event stream of %s discards the pushes that are given up", t.of.name))
	})
}

// deadLetterLoop: what fails would come back as input for ever.
func deadLetterLoop(d *deployment) []Problem {
	return d.eachStream(func(t trigger) []Problem {
		at, _, _, topic := t.deadLetter()
		return when(topic != "" && topic == t.source("Topic").text(), at.wrong("name a topic of its own, such as feed-deadletter",
			"pushes of %s that are given up go back into the input topic %s", t.of.name, topic))
	})
}

func deadLetterRegion(d *deployment) []Problem {
	return d.eachStream(func(t trigger) []Problem {
		at, region, _, _ := t.deadLetter()
		own := t.of.at("region").text()
		return when(region != "" && own != "" && region != own, at.wrong("write ${vars.region} there",
			"the dead letters of %s go to %s, and it runs in %s", t.of.name, region, own))
	})
}

// deadLetterInstance: deadletter, redrive and the audit look for the letters where the input is.
func deadLetterInstance(d *deployment) []Problem {
	return d.eachStream(func(t trigger) []Problem {
		at, _, instance, _ := t.deadLetter()
		own := t.source("InstanceId").text()
		return when(instance != "" && own != "" && instance != own, at.wrong("name the instance of the input topic",
			"the dead letters of %s go to the Kafka instance %s, and its input is in %s", t.of.name, instance, own))
	})
}
