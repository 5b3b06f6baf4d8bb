package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/spf13/cobra"

	"feedstream/local/audit"
	"feedstream/local/console"
	"feedstream/local/doctor"
	"feedstream/local/platform"
	"feedstream/local/platform/manifest"
	"feedstream/local/simulate"
	"feedstream/shared/config"
	"feedstream/shared/feed"
)

// upOptions are the flags of `up`.
type upOptions struct {
	manifest, data, endpoints, env    string
	ephemeral, drain, verbose, asJSON bool
	anonymousHTTP                     bool
	ports                             *ports
	rate, badRatio, unknownRatio      float64
	records                           int
	seed                              uint64
	simulated                         bool // a feed is published
}

func upCommand() *cobra.Command {
	o := &upOptions{ports: defaultPorts()}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run embedded services, the functions of s.yaml and a simulated feed",
		Example: `  feedstream up --rate 50
  feedstream up --ephemeral --records 100000 --drain --json
  feedstream up --records 1000 --drain --bad-ratio 0.05 --unknown-ratio 0.05
  feedstream up --env real.env --rate 50`,
		Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.drain && o.records == 0 {
				return usageError{errors.New("--drain needs --records: how many to publish before draining")}
			}
			o.simulated = o.records > 0 || o.rate > 0
			return up(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.manifest, "manifest", "s.yaml", "the Serverless Devs manifest of the functions")
	flags.StringVar(&o.data, "data", ".feedstream", "data directory; one stack at a time may use it")
	flags.StringVar(&o.endpoints, "endpoints", "", "file to write the endpoints to, as JSON, once all is ready")
	flags.StringVar(&o.env, "env", "", "file that names servers to use in place of embedded ones, as NAME=value lines:\nKAFKA_BROKERS, HBASE_ZOOKEEPER, OSS_ENDPOINT, MONGODB_URI and what belongs to them")
	flags.BoolVar(&o.ephemeral, "ephemeral", false, "use free ports and a temporary data directory")
	flags.Float64Var(&o.rate, "rate", 0, "records per second of the simulated feed; 0 with --records is as fast as it goes")
	flags.IntVar(&o.records, "records", 0, "end the simulated feed after this many records")
	flags.BoolVar(&o.drain, "drain", false, "after --records, wait for every verdict, print the audit and exit")
	flags.Float64Var(&o.badRatio, "bad-ratio", 0, "share of records that must be set aside, 0 to 1")
	flags.Float64Var(&o.unknownRatio, "unknown-ratio", 0, "share of records with an unknown stock, 0 to 1")
	flags.Uint64Var(&o.seed, "seed", 1, "seed of the simulated feed")
	flags.BoolVar(&o.anonymousHTTP, "anonymous-http", false, "serve the HTTP triggers of authType function without signature")
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "show the functions' logs")
	flags.BoolVar(&o.asJSON, "json", false, "print the audit as JSON")
	o.ports.addFlags(flags)
	return cmd
}

// up runs the stack until ctx ends or, with --drain, until the feed has its verdicts.
func up(ctx context.Context, o *upOptions, stdout, stderr io.Writer) (err error) {
	m, err := manifest.Load(o.manifest)
	if err != nil {
		return err
	}
	external, err := o.external()
	if err != nil {
		return err
	}
	if o.ephemeral {
		o.ports.takeFree()
		if o.data, err = os.MkdirTemp("", "feedstream-"); err != nil {
			return fmt.Errorf("make the temporary data directory: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.data)) }()
	}
	unlock, err := lockData(o.data)
	if err != nil {
		return err
	}
	defer unlock()
	if err := o.ports.check(external); err != nil {
		return err
	}
	s, err := startStack(ctx, o, m, external, stderr)
	if err != nil {
		return err
	}
	result, err := s.work(ctx, o, stderr)
	if err := errors.Join(err, s.close()); err != nil {
		return err
	}
	if result == nil {
		return nil
	}
	return result.print(o.asJSON, stdout)
}

// external are the services that --env names; none without it.
func (o *upOptions) external() (environment, error) {
	if o.env == "" {
		return nil, nil
	}
	return readEnvironment(o.env)
}

// lockData refuses a second stack on the same data directory.
func lockData(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "lock"))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data directory %s: %w", dir, err)
	}
	if !held {
		return nil, fmt.Errorf("another stack runs on the data directory %s: end it, or choose another with --data", dir)
	}
	return func() { _ = lock.Unlock() }, nil // the process ends with it anyway
}

// stack is everything that `up` runs.
type stack struct {
	options   *upOptions
	services  *services
	platform  *platform.Platform
	verdicts  *audit.Verdicts
	stopTail  context.CancelFunc
	tailEnded chan error
	console   *http.Server
	endpoints endpoints
	reference *referenceStatus
}

// startStack starts services, platform, reference, streams and console, in this order: pushes begin
// when there is a snapshot to join them with.
func startStack(ctx context.Context, o *upOptions, m *manifest.Manifest, external environment, stderr io.Writer) (_ *stack, err error) {
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelInfo
	}
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	s := &stack{options: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.services, err = startServices(o.data, o.ports, external, logger); err != nil {
		return s, err
	}
	if err := doctor.Problems(s.services.external.look(ctx, atStart...)); err != nil {
		return s, fmt.Errorf("the services that %s names are not ready: %w", o.env, err)
	}
	services := s.services.environment
	brokers, err := services.kafka()
	if err != nil {
		return s, err
	}
	var verbose io.Writer
	if o.verbose {
		verbose = stderr
	}
	s.platform, err = platform.Start(ctx, platform.Config{
		Manifest: m, Overlay: s.services.overlay(), Region: services["OSS_REGION"], AccountID: "0",
		Credentials:  platform.Credentials(services.credentials()),
		KafkaBrokers: brokers.Brokers, KafkaOptions: kafkaOptions(brokers),
		HTTPAddr: o.ports.addr(o.ports.http), APIAddr: o.ports.addr(o.ports.fc), AnonymousHTTP: o.anonymousHTTP,
		LogDir: filepath.Join(o.data, "logs"), Verbose: verbose, Logger: logger,
	})
	if err != nil {
		return s, err
	}
	s.endpoints = endpoints{
		FC: "http://" + reachable(s.platform.APIAddr()), Kafka: services["KAFKA_BROKERS"], MongoDB: services["MONGODB_URI"],
		OSS: services["OSS_ENDPOINT"], ZooKeeper: services["HBASE_ZOOKEEPER"], Environment: services,
		HTTPTriggers: map[string]string{}, AccessKeyID: services[keyIDVariable], AccessKeySecret: services[secretVariable],
	}
	for _, f := range m.Functions {
		if len(f.HTTP) > 0 {
			s.endpoints.HTTPTriggers[f.Name] = "http://" + reachable(s.platform.HTTPAddr()) + "/" + f.Name
		}
	}
	if err := firstReference(ctx, services, s.platform); err != nil {
		return s, err
	}
	s.reference = newReferenceStatus(services)
	s.platform.StartStreams()
	s.followVerdicts(brokers, logger)
	if err := s.serveConsole(); err != nil {
		return s, err
	}
	if err := s.endpoints.write(filepath.Join(o.data, endpointsFile)); err != nil {
		return s, err
	}
	if o.endpoints != "" {
		if err := s.endpoints.write(o.endpoints); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *stack) followVerdicts(k config.Kafka, logger *slog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	s.stopTail, s.tailEnded = cancel, make(chan error, 1)
	s.verdicts = audit.NewVerdicts(audit.Kafka{Brokers: k.Brokers, Options: kafkaOptions(k)}, feed.Topics(topics), logger)
	go func() { s.tailEnded <- s.verdicts.Run(ctx) }()
}

func (s *stack) serveConsole() error {
	listener, err := net.Listen("tcp", s.options.ports.addr(s.options.ports.console))
	if err != nil {
		return fmt.Errorf("listen for the console: %w", err)
	}
	s.endpoints.Console = "http://" + reachable(listener.Addr().String())
	s.console = &http.Server{Handler: console.Handler(s.status), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.console.Serve(listener) }() // ends with close
	return nil
}

func (s *stack) status() console.Status {
	p, counts := s.platform.Status(), s.verdicts.Counts()
	status := console.Status{
		Ready: true,
		Verdicts: console.Verdicts{
			Enriched: int64(counts.Enriched), Unmatched: int64(counts.Unmatched),
			Quarantined: int64(counts.Quarantined), DeadLettered: int64(counts.DeadLettered),
		},
		Reference: s.reference.current(),
	}
	for _, f := range p.Functions {
		status.Functions = append(status.Functions, console.Function(f))
	}
	for _, stream := range p.Streams {
		status.Lag += stream.Lag
	}
	return status
}

// work publishes the simulated feed and waits: for the drain, or for ctx to end.
func (s *stack) work(ctx context.Context, o *upOptions, stderr io.Writer) (*drainResult, error) {
	fmt.Fprintf(stderr, "console    %s\nquery      %s\npublish    %s\nKafka      %s\nlogs       %s\n",
		s.endpoints.Console, s.endpoints.HTTPTriggers["feed-query"], s.endpoints.HTTPTriggers["feed-publish"],
		s.endpoints.Kafka, filepath.Join(o.data, "logs"))
	feedCtx, stopFeed := context.WithCancel(ctx)
	defer stopFeed()
	began := time.Now()
	published := make(chan error, 1)
	if o.simulated {
		brokers, err := s.services.environment.kafka()
		if err != nil {
			return nil, err
		}
		go func() {
			_, err := simulate.Run(feedCtx, simulate.Config{
				Brokers: brokers.Brokers, Options: kafkaOptions(brokers), Topic: topics.Input, Records: o.records, Rate: o.rate,
				Seed: o.seed, BadRatio: o.badRatio, UnknownRatio: o.unknownRatio,
			})
			published <- err
		}()
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			fmt.Fprintln(stderr, "stopping: running pushes end first")
			stopFeed()
			if o.simulated {
				<-published
			}
			return nil, nil
		case err := <-published:
			if err != nil && ctx.Err() == nil {
				return nil, fmt.Errorf("publish the simulated feed: %w", err)
			}
			published = nil
			o.simulated = false
			if o.drain {
				return s.drain(ctx, o, began)
			}
		case <-ticker.C:
			s.printCounts(stderr)
		}
	}
}

func (s *stack) printCounts(w io.Writer) {
	status := s.status()
	fmt.Fprintf(w, "%s  enriched %d  unmatched %d  quarantined %d  dead-lettered %d  lag %d\n", time.Now().Format(time.TimeOnly),
		status.Verdicts.Enriched, status.Verdicts.Unmatched, status.Verdicts.Quarantined, status.Verdicts.DeadLettered, status.Lag)
}

// close stops everything in the reverse order of the start: streams drain before their sinks go.
func (s *stack) close() error {
	var problems []error
	if s.console != nil {
		problems = append(problems, s.console.Close())
	}
	if s.platform != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		problems = append(problems, s.platform.Close(ctx))
	}
	if s.stopTail != nil {
		s.stopTail()
		problems = append(problems, <-s.tailEnded)
	}
	if s.services != nil {
		problems = append(problems, s.services.close())
	}
	if err := os.Remove(filepath.Join(s.options.data, endpointsFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// printJSON prints any answer for machines.
func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
