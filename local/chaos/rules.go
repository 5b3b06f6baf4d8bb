package chaos

// Rules are the faults that a run draws from: each service before and after its calls took effect, late, cut off
// and refused, some of them each time, which is an outage; each fault of the platform, and senders whose clocks are wrong. An error that a function must take
// for the record's own fault is not among them: it is none of the infrastructure.
func Rules() []string {
	return []string{
		"kafka.produce before drop 5%",
		"kafka.produce after drop 5%",
		"kafka.produce before error NOT_ENOUGH_REPLICAS 10%",
		"kafka.produce after error NOT_ENOUGH_REPLICAS_AFTER_APPEND 10%",
		"kafka.produce before error NOT_LEADER_OR_FOLLOWER 5%",
		"kafka.produce before delay 100ms 20%",
		"kafka.fetch before drop 5%",
		"kafka.fetch after delay 200ms 10%",
		"kafka.fetch before error NOT_LEADER_OR_FOLLOWER 5%",
		"kafka.metadata before drop 20%",
		"kafka.offsetcommit before error COORDINATOR_NOT_AVAILABLE 50%",
		"kafka.offsetcommit after drop 50%",
		"kafka.heartbeat before error REBALANCE_IN_PROGRESS",

		"hbase.multi before drop 10%",
		"hbase.multi after drop 10%",
		"hbase.multi before error RegionTooBusyException 10%",
		"hbase.multi after error RegionTooBusyException 10%",
		"hbase.multi before whole error CallQueueTooBigException 20%",
		"hbase.multi before first error NotServingRegionException 10%",
		"hbase.multi before error RegionServerStoppedException 5%",
		"hbase.multi before error RegionTooBusyException",
		"hbase.multi before drop",
		"hbase.multi before delay 200ms 10%",
		"hbase.multi after delay 200ms 10%",
		"hbase.meta before drop 20%",

		"oss.get before drop",
		"oss.get before error ServiceUnavailable",
		"oss.get before error AccessDenied 20%",
		"oss.get before delay 300ms 20%",
		"oss.get truncate 50%",
		"oss.get corrupt 50%",
		"oss.put before drop 50%",
		"oss.put after drop 50%",

		"mongodb.find before drop 50%",
		"mongodb.find before error ShutdownInProgress 20%",
		"mongodb.find after delay 200ms 20%",

		"enrich.kill 1x",
		"enrich.kill delay 5ms 50%",
		"enrich.kill delay 25ms 50%",
		"enrich.kill after 50%",
		"enrich.freeze 300ms 20%",
		"enrich.timeout delay 20ms 50%",
		"enrich.timeout delay 60ms 50%",
		"refresh.kill delay 10ms 30%",
		"push.throttle 50%",
		"push.repeat",
		"push.concurrent",
		"push.reorder delay 500ms",
		"stream.rebalance 1x",
		"clock +10m 1%",
		"clock -30s 10%",
		"clock +2m 5%",
	}
}
