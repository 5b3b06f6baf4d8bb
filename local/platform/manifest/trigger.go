package manifest

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"feedstream/local/platform/cron"
)

// maxStreamTimeout is the longest timeout of a function behind an event stream, in seconds.
const maxStreamTimeout = 300

var (
	topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)
	deadTopic = regexp.MustCompile(`^acs:alikafka:[^:]*:[^:]*:instance/[^/]*/topic/(.*)$`)
)

type trigger struct {
	Name   string         `json:"triggerName"`
	Type   string         `json:"triggerType"`
	Config map[string]any `json:"triggerConfig"`
}

func (r *reader) triggers(path []string, triggers []trigger, f *Function) error {
	names := map[string]bool{}
	for i, t := range triggers {
		inner := below(path, "triggers", strconv.Itoa(i))
		if names[t.Name] {
			r.report(r.at(below(inner, "triggerName")), "trigger %q of %s is declared twice: rename one", t.Name, f.Name)
		}
		names[t.Name] = true
		if t.Config == nil {
			continue
		}
		if err := r.trigger(inner, t, f); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) trigger(path []string, t trigger, f *Function) error {
	config := below(path, "triggerConfig")
	switch t.Type {
	case "eventbridge":
		return r.stream(config, t, f)
	case "timer":
		return r.timer(config, t, f)
	case "http":
		return r.http(config, t, f)
	}
	r.report(r.at(below(path, "triggerType")),
		"triggerType %q is not supported locally: use eventbridge, timer or http", t.Type)
	return nil
}

type timerConfig struct {
	Cron    string `json:"cronExpression"`
	Enable  bool   `json:"enable"`
	Payload string `json:"payload"`
}

func (r *reader) timer(path []string, t trigger, f *Function) error {
	var c timerConfig
	if err := r.config("ITimerTriggerConfig", path, t.Config, &c); err != nil {
		return err
	}
	if c.Cron != "" {
		if _, err := cron.Parse(c.Cron); err != nil {
			r.report(r.at(below(path, "cronExpression")), "cronExpression %q: %s", c.Cron, err)
		}
	}
	f.Timers = append(f.Timers, Timer{Name: t.Name, Cron: c.Cron, Enabled: c.Enable, Payload: c.Payload})
	return nil
}

type httpConfig struct {
	AuthType string   `json:"authType"`
	Methods  []string `json:"methods"`
}

func (r *reader) http(path []string, t trigger, f *Function) error {
	var c httpConfig
	if err := r.config("IHttpTriggerConfig", path, t.Config, &c); err != nil {
		return err
	}
	if c.AuthType == "jwt" {
		r.report(r.at(below(path, "authType")), "authType jwt is not supported locally: use function or anonymous")
	}
	if len(f.HTTP) > 0 {
		r.report(r.at(path), "function %s has a second http trigger: keep one", f.Name)
	}
	f.HTTP = append(f.HTTP, HTTPTrigger{Name: t.Name, Anonymous: c.AuthType == "anonymous", Methods: c.Methods})
	return nil
}

// config checks a trigger's configuration against its own definition and decodes it.
func (r *reader) config(definition string, path []string, value map[string]any, into any) error {
	if err := r.schemas.check(r.document, definition, path, value); err != nil {
		return err
	}
	return decode(value, into)
}

type streamConfig struct {
	Enable bool `json:"triggerEnable"`
	Async  bool `json:"asyncInvocationType"`
	Sink   struct {
		Delivery struct {
			Schema      string `json:"eventSchema"`
			Concurrency int    `json:"concurrency"`
		} `json:"deliveryOption"`
	} `json:"eventSinkConfig"`
	RunOptions struct {
		MaximumTasks int                                             `json:"maximumTasks"`
		Tolerance    string                                          `json:"errorsTolerance"`
		Retry        struct{ PushRetryStrategy Retry }               `json:"retryStrategy"`
		DeadLetter   struct{ Arn string }                            `json:"deadLetterQueue"`
		Window       struct{ CountBasedWindow, TimeBasedWindow int } `json:"batchWindow"`
	} `json:"runOptions"`
	Source struct {
		Parameters struct {
			Kafka struct{ RegionId, InstanceId, Topic, ConsumerGroup, OffsetReset string } `json:"sourceKafkaParameters"`
		} `json:"eventSourceParameters"`
	} `json:"eventSourceConfig"`
}

func (r *reader) stream(path []string, t trigger, f *Function) error {
	var c streamConfig
	if err := r.config("IEventBridge", path, t.Config, &c); err != nil {
		return err
	}
	if c.Async {
		r.report(r.at(below(path, "asyncInvocationType")),
			"asyncInvocationType true is not supported locally: write false, then offsets wait for the verdict")
	}
	if f.Timeout > seconds(maxStreamTimeout) {
		r.report(r.at(path[:len(path)-3]), "function %s times out after %s: behind an event stream write at most %d",
			f.Name, f.Timeout, maxStreamTimeout)
	}
	kafka := c.Source.Parameters.Kafka
	source := below(path, "eventSourceConfig", "eventSourceParameters", "sourceKafkaParameters")
	r.topic(below(source, "Topic"), "Topic", kafka.Topic)
	r.topic(below(source, "ConsumerGroup"), "ConsumerGroup", kafka.ConsumerGroup)
	f.Streams = append(f.Streams, Stream{
		Name: t.Name, Enabled: c.Enable, RawData: c.Sink.Delivery.Schema == "RawData",
		Concurrency:     cmp.Or(c.Sink.Delivery.Concurrency, 1),
		MaximumTasks:    cmp.Or(c.RunOptions.MaximumTasks, 1),
		TolerateErrors:  c.RunOptions.Tolerance == "ALL",
		Retry:           cmp.Or(c.RunOptions.Retry.PushRetryStrategy, BackoffRetry),
		DeadLetterTopic: r.deadLetter(below(path, "runOptions"), c.RunOptions.DeadLetter.Arn, c.RunOptions.Tolerance),
		BatchCount:      cmp.Or(c.RunOptions.Window.CountBasedWindow, 1),
		BatchWindow:     seconds(c.RunOptions.Window.TimeBasedWindow),
		Region:          cmp.Or(kafka.RegionId, f.Region), InstanceID: kafka.InstanceId,
		Topic: kafka.Topic, Group: kafka.ConsumerGroup, FromLatest: kafka.OffsetReset != "earliest",
	})
	return nil
}

// topic checks a name that is used in the local Kafka, where an expression without a value must not end up.
func (r *reader) topic(path []string, what, name string) {
	switch {
	case len(r.unresolved[key(path)]) > 0 && !topicName.MatchString(name):
		r.report(r.at(path), "%s takes its value from %s, which has none: set the variable, or write ${env('NAME', 'default')}",
			what, strings.Join(r.unresolved[key(path)], " and "))
	case name == "" || topicName.MatchString(name):
	default:
		r.report(r.at(path), "%s is %q: write letters, digits, dot, _ and -", what, name)
	}
}

// deadLetter takes the topic out of the address of a dead-letter queue.
func (r *reader) deadLetter(path []string, arn, tolerance string) string {
	if arn == "" {
		return ""
	}
	at := below(path, "deadLetterQueue", "Arn")
	if tolerance != "ALL" {
		r.report(r.at(at), "a dead-letter queue works only with errorsTolerance ALL: write ALL, or take the queue out")
	}
	m := deadTopic.FindStringSubmatch(arn)
	if m == nil {
		r.report(r.at(at), "deadLetterQueue.Arn is %q: locally write acs:alikafka:<region>:<uid>:instance/<id>/topic/<topic>", arn)
		return ""
	}
	if m[1] == "" {
		r.report(r.at(at), "deadLetterQueue.Arn is %q, which names no topic: end it with one", arn)
		return ""
	}
	r.topic(at, "the topic of deadLetterQueue.Arn", m[1])
	return m[1]
}
