package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"feedstream/shared/feed"
	"feedstream/shared/reference"
	"feedstream/shared/trigger"
)

// source is where the reference is maintained. Read calls yield for each document of one consistent
// read; an error of either ends it.
type source interface {
	Read(ctx context.Context, yield func(reference.Document) error) error
}

// announcer makes entries the current snapshot.
type announcer interface {
	Current(ctx context.Context) (m reference.Manifest, found bool, err error)
	Announce(ctx context.Context, current reference.Manifest, entries map[string]feed.Entry,
		source reference.Source) (reference.Manifest, error)
	Clean(ctx context.Context, m reference.Manifest) (deleted int, err error)
}

// Refresher is the use case of feed-refresh: the reference source becomes the current snapshot.
type Refresher struct {
	Source     source
	Announcer  announcer
	Policy     reference.Policy
	Database   string // named in the manifest
	Collection string
	Logger     *slog.Logger
}

// Outcome is what a successful refresh answers and logs.
type Outcome struct {
	Version  string           `json:"version"`
	Revision int64            `json:"revision"`
	Changed  bool             `json:"changed"` // the content differs from the one announced before
	Pinned   bool             `json:"pinned"`  // the current version is pinned: nothing was announced
	Entries  int              `json:"entries"`
	Report   reference.Report `json:"report"`
	Deleted  int              `json:"deletedSnapshots"`
}

// Invoke handles one event of the time trigger: read, admit, announce. A refresh that would empty,
// shrink or corrupt the reference fails with the report, and what is announced stays as it is.
func (r *Refresher) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	timer, err := trigger.DecodeTimer(event)
	if err != nil {
		return nil, err
	}
	if timer.Payload != "" && timer.Payload != "refresh" {
		return nil, fmt.Errorf("the payload %.64q of the trigger %s is unknown: leave it empty, or write refresh",
			timer.Payload, timer.TriggerName)
	}
	outcome, err := r.refresh(ctx)
	if err != nil {
		return nil, err
	}
	r.Logger.InfoContext(ctx, "refreshed", "version", outcome.Version, "revision", outcome.Revision,
		"changed", outcome.Changed, "entries", outcome.Entries, "rejected", outcome.Report.Rejected)
	return json.Marshal(outcome)
}

func (r *Refresher) refresh(ctx context.Context) (Outcome, error) {
	current, _, err := r.Announcer.Current(ctx)
	if err != nil {
		return Outcome{}, err
	}
	admission := reference.NewAdmission()
	err = r.Source.Read(ctx, func(d reference.Document) error {
		admission.Add(d)
		return nil
	})
	if err != nil {
		return Outcome{}, fmt.Errorf("read the reference source: %w", err)
	}
	entries, report := admission.Result()
	if err := r.Policy.Check(report, current.Entries); err != nil {
		return Outcome{}, err
	}
	if current.Pinned {
		return Outcome{Version: current.Version, Revision: current.Revision, Pinned: true, Entries: current.Entries,
			Report: report}, nil
	}
	announced, err := r.Announcer.Announce(ctx, current, entries, reference.Source{
		Database: r.Database, Collection: r.Collection, Read: report.Read, Rejected: report.Rejected,
	})
	if err != nil {
		return Outcome{}, err
	}
	deleted, err := r.Announcer.Clean(ctx, announced)
	if err != nil {
		// The announcement stands; old objects cost little and go next time.
		r.Logger.WarnContext(ctx, "old snapshots stay", "error", err)
	}
	return Outcome{
		Version: announced.Version, Revision: announced.Revision, Changed: announced.Version != current.Version,
		Entries: announced.Entries, Report: report, Deleted: deleted,
	}, nil
}
