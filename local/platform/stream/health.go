package stream

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// health is what a stream last failed at. It owns its lock.
type health struct {
	brokers []string
	logger  *slog.Logger

	mu        sync.Mutex
	lastError string
	kafkaDown bool
}

// failed reports an error, once as long as it stays the same.
func (h *health) failed(err error) {
	h.mu.Lock()
	repeated := h.lastError == err.Error()
	h.lastError = err.Error()
	h.mu.Unlock()
	if !repeated {
		h.logger.Warn("event stream", "error", err)
	}
}

// kafkaFailed reports the first error of an outage; those that follow show in the status only.
func (h *health) kafkaFailed(err error) {
	err = fmt.Errorf("reach Kafka at %s: %w", strings.Join(h.brokers, ","), err)
	h.mu.Lock()
	down := h.kafkaDown
	h.kafkaDown, h.lastError = true, err.Error()
	h.mu.Unlock()
	if !down {
		h.logger.Warn("event stream", "error", err)
	}
}

// kafkaWorks ends an outage. It takes work that succeeded to say so: a broker that answers a question may
// still be one whose leaders or coordinator nobody reaches.
func (h *health) kafkaWorks() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kafkaDown {
		h.kafkaDown, h.lastError = false, ""
		h.logger.Info("event stream: Kafka works again")
	}
}

func (h *health) last() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.lastError
}
