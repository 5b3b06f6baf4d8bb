package rules

import (
	"strconv"
)

var triggerRules = []rule{
	{"retry-mode", retryMode},
	{"tolerance", tolerance},
	{"offset-reset", offsetReset},
	{"trigger-order", triggerOrder},
	{"stream-off", streamOff},
	{"timer-off", timerOff},
	{"tasks", tasks},
	{"batch-window", batchWindow},
	{"stream-shared", streamShared},
	{"group-shared", groupShared},
	{"stream-region", streamRegion},
}

// retryMode: the other strategy gives up after three tries, within a minute.
func retryMode(d *deployment) []Problem {
	return d.eachStream(func(t trigger) []Problem {
		at := t.config.at("runOptions", "retryStrategy", "PushRetryStrategy")
		return when(at.text() != "EXPONENTIAL_DECAY_RETRY", at.wrong("write PushRetryStrategy: EXPONENTIAL_DECAY_RETRY",
			"the event stream of %s gives a push up after three tries, within a minute (%q)", t.of.name, at.text()))
	})
}

// tolerance: with NONE one push that keeps failing stops the stream for good.
func tolerance(d *deployment) []Problem {
	return d.eachStream(func(t trigger) []Problem {
		at := t.config.at("runOptions", "errorsTolerance")
		return when(at.text() != "ALL", at.wrong("write errorsTolerance: ALL, with a dead-letter queue",
			"a push that is given up stops the event stream of %s for good (%q)", t.of.name, at.text()))
	})
}

// offsetReset: the default of the platform passes over everything published before.
func offsetReset(d *deployment) []Problem {
	return d.eachStream(func(t trigger) []Problem {
		at := t.source("OffsetReset")
		return when(at.text() != "earliest", at.wrong("write OffsetReset: earliest",
			"a new group of %s begins behind the newest record (%q): what was published before is never enriched", t.of.name, at.text()))
	})
}

// triggerOrder: the component skips every trigger after an event stream that did not change.
func triggerOrder(d *deployment) []Problem {
	return d.each(func(f function) (problems []Problem) {
		for i, t := range f.triggers {
			if t.kind == "eventbridge" && i < len(f.triggers)-1 {
				problems = append(problems, t.wrong("list the event stream last",
					"the triggers of %s after its event stream are not deployed once the stream is unchanged", f.name))
			}
		}
		return problems
	})
}

// streamOff: a stream that is not enabled reads nothing, and nothing says so.
func streamOff(d *deployment) []Problem {
	return d.eachStream(func(t trigger) []Problem {
		at := t.config.at("triggerEnable")
		return when(at.value() == false, at.wrong("write triggerEnable: true", "the event stream of %s is switched off", t.of.name))
	})
}

func timerOff(d *deployment) []Problem {
	return d.each(func(f function) (problems []Problem) {
		for _, t := range f.triggers {
			at := t.config.at("enable")
			problems = append(problems, when(t.kind == "timer" && at.value() == false,
				at.wrong("write enable: true", "the timer of %s is switched off: the reference grows old", f.name))...)
		}
		return problems
	})
}

// tasks: those beyond the pushes at a time wait for their turn, and each of them is billed.
func tasks(d *deployment) []Problem {
	return d.eachStream(func(t trigger) []Problem {
		at := t.config.at("runOptions", "maximumTasks")
		pushes := t.config.at("eventSinkConfig", "deliveryOption", "concurrency").number(1)
		return when(at.number(1) > pushes, at.wrong("write maximumTasks: "+strconv.FormatFloat(pushes, 'f', -1, 64)+" or fewer; not more than the topic has partitions",
			"%g tasks of the event stream of %s share %g pushes at a time: the others wait, and each is billed", at.number(1), t.of.name, pushes))
	})
}

// batchWindow: without a window each record is a push of its own, at forty times the processor time.
func batchWindow(d *deployment) []Problem {
	return d.eachStream(func(t trigger) []Problem {
		at := t.config.at("runOptions", "batchWindow", "CountBasedWindow")
		return when(at.number(1) < 2, at.wrong("write CountBasedWindow: 1000",
			"every record of %s is a push of its own: they cost more than what is done with them", t.of.name))
	})
}

// streamShared: a stream that exists already may belong to another trigger.
func streamShared(d *deployment) []Problem {
	return d.eachStream(func(t trigger) []Problem {
		at := t.at("sourceArn")
		return when(at.present(), at.wrong("take sourceArn out: the trigger makes a stream of its own",
			"the trigger of %s binds itself to a stream that exists, which another trigger may have", t.of.name))
	})
}

// groupShared: what one consumer of a group takes, no other sees.
func groupShared(d *deployment) []Problem {
	first := map[string]string{}
	return d.eachStream(func(t trigger) []Problem {
		at := t.source("ConsumerGroup")
		other, shared := first[at.text()]
		first[at.text()] = t.of.name
		return when(shared && at.text() != "", at.wrong("give each event stream a group of its own",
			"the event streams of %s and %s share the group %s: each record goes to one of them", other, t.of.name, at.text()))
	})
}

// streamRegion: an event stream reads a Kafka instance of its own region.
func streamRegion(d *deployment) []Problem {
	return d.eachStream(func(t trigger) []Problem {
		at, region := t.source("RegionId"), t.of.at("region").text()
		return when(at.text() != "" && region != "" && at.text() != region, at.wrong("write RegionId: ${vars.region}",
			"the event stream reads a Kafka instance in %s, and %s runs in %s", at.text(), t.of.name, region))
	})
}
