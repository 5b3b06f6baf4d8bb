package runtime

import "time"

// begin takes note of one more request of an instance. The function's mutex is held, as in all of these.
func (i *instance) begin() {
	if i.running == 0 {
		i.since = time.Now()
	}
	i.running++
}

// finish takes note of one less, and returns for how long the instance was busy if it was the last one.
func (i *instance) finish() time.Duration {
	i.running--
	if i.running > 0 {
		return 0
	}
	return time.Since(i.since)
}

// busyTime is the time in which instances had requests, summed over them.
func (f *Function) busyTime() time.Duration {
	sum := f.busy
	for _, i := range f.instances {
		if i.running > 0 {
			sum += time.Since(i.since)
		}
	}
	return sum
}
