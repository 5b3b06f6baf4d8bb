package runtime

import "time"

// used is what the instances of a function have used that are idle or have ended. The function's mutex guards it.
type used struct{ time, cpuTime time.Duration }

// begin takes note of one more request of an instance.
func (i *instance) begin() {
	if i.running == 0 {
		i.since = time.Now()
	}
	i.running++
}

// end takes note of one less, and returns for how long the instance was busy if it was the last one.
func (i *instance) end() time.Duration {
	i.running--
	if i.running > 0 {
		return 0
	}
	return time.Since(i.since)
}

func (u *used) add(busy time.Duration) { u.time += busy }

// ended keeps what an instance has used whose process is gone.
func (u *used) ended(i *instance) { u.cpuTime += time.Duration(i.spent.Load()) }

// busy is the time of all, those with requests now included.
func (u *used) busy(instances []*instance) time.Duration {
	sum := u.time
	for _, i := range instances {
		if i.running > 0 {
			sum += time.Since(i.since)
		}
	}
	return sum
}

// cpu is the processor time of all, those that run included.
func (u *used) cpu(instances []*instance) time.Duration {
	sum := u.cpuTime
	for _, i := range instances {
		sum += time.Duration(i.spent.Load())
		if pid := i.pid.Load(); pid != 0 {
			sum += cpuTime(int(pid))
		}
	}
	return sum
}
