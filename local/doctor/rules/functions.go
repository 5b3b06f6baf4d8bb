package rules

import (
	"slices"
	"strconv"

	"feedstream/shared/fc"
)

var functionRules = []rule{
	{"port", port},
	{"initializer", initializer},
	{"pre-stop", preStop},
	{"reserved-concurrency", reservedConcurrency},
	{"instance-cap", instanceCap},
	{"instance-concurrency", instanceConcurrency},
	{"timeout", timeout},
	{"memory", memory},
	{"memory-of-pushes", memoryOfPushes},
	{"sizes-written", sizesWritten},
	{"logs", logs},
}

// port: the programs listen on the port that the platform names to them, 9000.
func port(d *deployment) []Problem {
	return d.each(func(f function) []Problem {
		at := f.at("customRuntimeConfig", "port")
		return when(f.own() && at.number(9000) != 9000, at.wrong("write port: 9000",
			"the platform asks %s on port %g, and the program listens on 9000", f.name, at.number(9000)))
	})
}

// initializer: without it the first push pays for the connections, and a wrong table is found only by pushes.
func initializer(d *deployment) (problems []Problem) {
	for _, f := range d.running("enrich") {
		at := f.at("instanceLifecycleConfig", "initializer")
		problems = append(problems, when(at.at("handler").text() == "", at.wrong(
			"write initializer: {handler: initialize, timeout: 30}",
			"%s has no initializer: a new instance takes pushes before it has looked at the table", f.name))...)
	}
	return problems
}

// preStop: the hook waits for the pushes that still run, for as long as one may take.
func preStop(d *deployment) (problems []Problem) {
	for _, f := range d.running("enrich") {
		at := f.at("instanceLifecycleConfig", "preStop")
		least := f.at("timeout").number(3)
		const remedy = "write preStop: {handler: pre-stop, timeout: "
		switch waits := at.at("timeout"); {
		case at.at("handler").text() == "":
			problems = append(problems, at.wrong(remedy+strconv.Itoa(int(min(least, 90)))+"}",
				"%s has no pre-stop hook: an instance ends in the middle of a push", f.name))
		case waits.number(3) < min(least, 90):
			problems = append(problems, waits.wrong(remedy+strconv.Itoa(int(min(least, 90)))+"}",
				"the pre-stop hook of %s has %g s, and a push may take %g s", f.name, waits.number(3), least))
		}
	}
	return problems
}

// reservedConcurrency: OSS cannot compare and swap, so two refreshes at once may announce the older reference.
func reservedConcurrency(d *deployment) (problems []Problem) {
	for _, f := range d.running("refresh") {
		at := f.at("concurrencyConfig", "reservedConcurrency")
		problems = append(problems, when(at.number(0) != 1 || f.at("instanceConcurrency").number(1) != 1,
			at.wrong("write concurrencyConfig: {reservedConcurrency: 1} and instanceConcurrency: 1",
				"more than one %s may run at a time: the older reference may win", f.name))...)
	}
	return problems
}

// instanceCap: whoever calls over HTTP decides how many instances, and so connections, there are.
func instanceCap(d *deployment) []Problem {
	return d.each(func(f function) []Problem {
		open := slices.ContainsFunc(f.triggers, func(t trigger) bool { return t.kind == "http" })
		at := f.at("concurrencyConfig", "reservedConcurrency")
		return when(open && !at.present(), at.wrong("write concurrencyConfig: {reservedConcurrency: 10}",
			"nothing bounds the instances of %s: a flood of requests takes those of the other functions", f.name))
	})
}

// instanceConcurrency: one push an instance shares no snapshot and no connection.
func instanceConcurrency(d *deployment) (problems []Problem) {
	for _, f := range d.running("enrich") {
		at := f.at("instanceConcurrency")
		problems = append(problems, when(at.number(1) < 2, at.wrong("write instanceConcurrency: 8",
			"each instance of %s takes one push at a time: every push at a time costs a snapshot and connections of its own", f.name))...)
	}
	return problems
}

// shortest are the seconds that a program needs: a push keeps 5 of them for its answer, a refresh reads a collection.
var shortest = map[string]float64{"enrich": 15, "refresh": 30, "query": 10, "publish": 10}

// timeout: the default of the platform is 3 seconds.
func timeout(d *deployment) []Problem {
	return d.each(func(f function) []Problem {
		at, least := f.at("timeout"), shortest[f.program]
		return when(at.number(3) < least, at.wrong("write timeout: 60, or at least "+strconv.Itoa(int(least)),
			"%s has %g s for a call: a slow service makes it fail before it can say why", f.name, at.number(3)))
	})
}

// memory: what the program needs for itself, in MB.
func memory(d *deployment) []Problem {
	return d.each(func(f function) []Problem {
		at := f.at("memorySize")
		return when(f.own() && at.number(512) < 256, at.wrong("write memorySize: 512",
			"%s has %g MB: program, snapshot and connections take more", f.name, at.number(512)))
	})
}

const (
	// eventBytes is a short update of the feed as an event: 200 bytes, and the envelope around them.
	eventBytes = 500
	// largestBody is what one push may carry.
	largestBody = 32 << 20
)

// memoryOfPushes: pushes for which the memory does not suffice wait for others, on a clock that runs.
func memoryOfPushes(d *deployment) []Problem {
	return d.eachStream(func(t trigger) []Problem {
		count := t.config.at("runOptions", "batchWindow", "CountBasedWindow").number(1)
		atOnce := min(t.of.at("instanceConcurrency").number(1),
			t.config.at("eventSinkConfig", "deliveryOption", "concurrency").number(1))
		needs := min(count*eventBytes, largestBody) * atOnce * fc.MemoryPerEventByte / (1 << 20)
		at := t.of.at("memorySize")
		return when(needs > at.number(512), at.wrong("lower instanceConcurrency or CountBasedWindow, or write more memorySize",
			"%s takes %g pushes of %g records at a time: about %.0f MB of short updates, and memorySize is %g",
			t.of.name, atOnce, count, needs, at.number(512)))
	})
}

// sizesWritten: the platform's defaults are those of a small script, and may change.
func sizesWritten(d *deployment) []Problem {
	return d.each(func(f function) (problems []Problem) {
		for _, name := range []string{"cpu", "memorySize", "timeout", "instanceConcurrency"} {
			problems = append(problems, when(!f.at(name).present(), f.at(name).wrong("write it",
				"%s says no %s: the platform's default counts (cpu 0.35, 512 MB, 3 s, one request at a time)", f.name, name))...)
		}
		return problems
	})
}

// logs: without logConfig a deploy switches logs and metrics off, also those that an operator has switched on.
func logs(d *deployment) []Problem {
	return d.eachOwn(func(f function) (problems []Problem) {
		at := f.at("logConfig")
		if at.text() == "auto" {
			return nil
		}
		for _, name := range []string{"project", "logstore"} {
			problems = append(problems, when(!at.at(name).present(), at.at(name).wrong("write logConfig with project and logstore",
				"%s has no log %s: nothing that it prints is kept", f.name, name))...)
		}
		for _, name := range []string{"enableRequestMetrics", "enableInstanceMetrics"} {
			problems = append(problems, when(at.present() && at.at(name).value() != true, at.at(name).wrong("write "+name+": true",
				"%s is off for %s: no alarm can ring", name, f.name))...)
		}
		return problems
	})
}
