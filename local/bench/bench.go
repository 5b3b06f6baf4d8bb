// Package bench measures what only whole processes show, by benchmarks on the embedded services:
//
//	go test ./local/bench -run - -bench ColdStart
package bench
