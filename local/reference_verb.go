package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	fc "github.com/aliyun/fc-go-sdk"

	"feedstream/local/console"
	"feedstream/local/data"
	"feedstream/local/platform"
	"feedstream/shared/reference"
)

const referencePrefix = "stock/"

func loadReferenceCommand() *cobra.Command {
	var where place
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "load-reference FILE.csv",
		Short:   "Load a CSV file (Symbol, Company Name, Last Price, Volume) into MongoDB in one step",
		Example: "  feedstream load-reference hang-seng.csv && feedstream refresh",
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := where.environment()
			if err != nil {
				return err
			}
			content, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("load the reference: %w", err)
			}
			n, err := e.loadReference(cmd.Context(), content)
			if err != nil {
				return fmt.Errorf("load %s: %w", args[0], err)
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), map[string]int{"loaded": n})
			}
			fmt.Fprintf(cmd.OutOrStdout(), "loaded %d stocks into MongoDB; `feedstream refresh` announces them\n", n)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	where.addFlags(cmd)
	return cmd
}

// parseReference reads the CSV. Whether a row is a good entry is for admission to say; only what has
// no place in a document is refused here, by line.
func parseReference(content []byte) ([]reference.Document, error) {
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(content, []byte("\ufeff"))))
	header, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("read the header line: %w", err)
	}
	want := []string{"Symbol", "Company Name", "Last Price", "Volume"}
	if strings.Join(header, ",") != strings.Join(want, ",") {
		return nil, fmt.Errorf("the header is %q, it must be %q", header, want)
	}
	var documents []reference.Document
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		d := reference.Document{Symbol: row[0], CompanyName: row[1]}
		if row[2] != "" {
			d.LastPrice = reference.Number(row[2])
		}
		if row[3] != "" {
			volume, err := strconv.ParseInt(row[3], 10, 64)
			if err != nil {
				line, _ := reader.FieldPos(3)
				return nil, fmt.Errorf("line %d: the volume %q is not an integer", line, row[3])
			}
			d.Volume = volume
		}
		documents = append(documents, d)
	}
}

func (e environment) loadReference(ctx context.Context, content []byte) (int, error) {
	documents, err := parseReference(content)
	if err != nil {
		return 0, err
	}
	source, err := e.source()
	if err != nil {
		return 0, err
	}
	defer source.Close()
	return len(documents), source.Load(ctx, documents)
}

// firstReference takes the article's reference the production way on the first start: CSV into
// MongoDB, the refresh function, OSS. A collection or a manifest that is there is left as it is.
func firstReference(ctx context.Context, e environment, p *platform.Platform) error {
	announcer, err := e.announcer()
	if err != nil {
		return err
	}
	if _, found, err := announcer.Current(ctx); err != nil || found {
		return err
	}
	source, err := e.source()
	if err != nil {
		return err
	}
	defer source.Close()
	errSome := errors.New("not empty")
	err = source.Read(ctx, func(reference.Document) error { return errSome })
	if err != nil && !errors.Is(err, errSome) {
		return err
	}
	if err == nil {
		if _, err := e.loadReference(ctx, data.HangSeng); err != nil {
			return fmt.Errorf("load the first reference: %w", err)
		}
	}
	if _, err := p.RunTimer(ctx, "feed-refresh"); err != nil {
		return fmt.Errorf("announce the first reference: %w", err)
	}
	return nil
}

func (e environment) announcer() (*reference.Announcer, error) {
	bucket, err := e.bucket()
	if err != nil {
		return nil, err
	}
	return &reference.Announcer{Objects: bucket, Prefix: referencePrefix, Now: time.Now}, nil
}

// referenceStatus reads the manifest for the console, at most once a second.
type referenceStatus struct {
	environment environment
	mu          sync.Mutex
	manifest    reference.Manifest
	readAt      time.Time
}

func newReferenceStatus(e environment) *referenceStatus { return &referenceStatus{environment: e} }

func (r *referenceStatus) current() console.Reference {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.readAt) > time.Second {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if announcer, err := r.environment.announcer(); err == nil {
			if m, found, err := announcer.Current(ctx); err == nil && found {
				r.manifest = m
			}
		}
		r.readAt = time.Now()
	}
	m := r.manifest
	return console.Reference{
		Version: m.Version, Revision: m.Revision, Entries: m.Entries, AgeSeconds: m.Age(time.Now()).Seconds(),
	}
}

func refreshCommand() *cobra.Command {
	var dataDir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "refresh",
		Short:   "Run the refresh function now",
		Example: "  feedstream refresh --json",
		Args:    exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			running, err := runningStack(dataDir)
			if err != nil {
				return err
			}
			client, err := running.sdk(running.FC)
			if err != nil {
				return fmt.Errorf("call feed-refresh: %w", err)
			}
			event, err := json.Marshal(map[string]string{
				"triggerTime": time.Now().UTC().Format(time.RFC3339), "triggerName": "feedstream", "payload": "refresh",
			})
			if err != nil {
				return err
			}
			answer, err := client.InvokeFunction(fc.NewInvokeFunctionInput("feedstream", "feed-refresh").WithPayload(event))
			if err != nil {
				return fmt.Errorf("call feed-refresh: %w", err)
			}
			if kind := answer.GetErrorType(); kind != "" {
				return fmt.Errorf("feed-refresh failed: %s", answer.Payload)
			}
			if asJSON {
				fmt.Fprintf(cmd.OutOrStdout(), "%s\n", answer.Payload)
				return nil
			}
			return renderRefresh(cmd.OutOrStdout(), answer.Payload)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what the function answers")
	addDataFlag(cmd, &dataDir)
	return cmd
}

func renderRefresh(w io.Writer, answer []byte) error {
	var outcome struct {
		Version         string
		Revision        int64
		Changed, Pinned bool
		Entries         int
		Report          reference.Report
	}
	if err := json.Unmarshal(answer, &outcome); err != nil {
		return fmt.Errorf("read the answer of feed-refresh: %w", err)
	}
	state := "unchanged"
	switch {
	case outcome.Pinned:
		state = "pinned, left alone"
	case outcome.Changed:
		state = "new"
	}
	fmt.Fprintf(w, "version %s (%s), revision %d: %d entries of %d documents, %d rejected\n", outcome.Version, state,
		outcome.Revision, outcome.Entries, outcome.Report.Read, outcome.Report.Rejected)
	return nil
}

func referenceCommand() *cobra.Command {
	var where place
	var asJSON bool
	cmd := &cobra.Command{Use: "reference", Short: "The snapshots of the reference: list, show", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	show := &cobra.Command{Use: "show", Short: "The manifest now announced", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return showManifest(cmd, &where) }}
	list := &cobra.Command{Use: "list", Short: "The snapshots in OSS, newest first", Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error { return listSnapshots(cmd, &where, asJSON) }}
	for _, sub := range []*cobra.Command{show, list} {
		where.addFlags(sub)
		sub.Flags().BoolVar(&asJSON, "json", false, "print JSON")
		cmd.AddCommand(sub)
	}
	return cmd
}

func showManifest(cmd *cobra.Command, where *place) error {
	e, err := where.environment()
	if err != nil {
		return err
	}
	announcer, err := e.announcer()
	if err != nil {
		return err
	}
	m, found, err := announcer.Current(cmd.Context())
	if err != nil {
		return err
	}
	if !found {
		return errors.New("no snapshot was ever announced: run `feedstream refresh`")
	}
	return printJSON(cmd.OutOrStdout(), m) // a manifest is JSON for people and machines alike
}

func listSnapshots(cmd *cobra.Command, where *place, asJSON bool) error {
	e, err := where.environment()
	if err != nil {
		return err
	}
	bucket, err := e.bucket()
	if err != nil {
		return err
	}
	objects, err := bucket.List(cmd.Context(), referencePrefix+"snapshots/")
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), objects)
	}
	out := table.NewWriter()
	out.SetOutputMirror(cmd.OutOrStdout())
	out.AppendHeader(table.Row{"object", "bytes", "written"})
	for i := len(objects) - 1; i >= 0; i-- {
		out.AppendRow(table.Row{objects[i].Key, objects[i].Size, objects[i].LastModified.Format(time.RFC3339)})
	}
	out.Render()
	return nil
}
