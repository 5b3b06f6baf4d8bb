package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"feedstream/shared/fc"
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
	Inspect(ctx context.Context) (reference.Announced, error)
	Announce(ctx context.Context, current reference.Manifest, entries map[string]feed.Entry,
		source reference.Source) (reference.Manifest, error)
	Clean(ctx context.Context, m reference.Manifest) (deleted int, err error)
}

// pins has a version that is in the store served until somebody unpins it.
type pins interface {
	Pin(ctx context.Context, current reference.Manifest, version string) (reference.Manifest, error)
	Rollback(ctx context.Context, current reference.Manifest, version string) (reference.Manifest, error)
	Restore(ctx context.Context, m reference.Manifest, entries map[string]feed.Entry) (restored bool, err error)
}

// Refresher is the use case of feed-refresh: the reference source becomes the current snapshot, unless
// somebody has pinned one.
type Refresher struct {
	Source     source
	Announcer  announcer
	Pins       pins
	Policy     reference.Policy
	Database   string // named in the manifest
	Collection string
	Logger     *slog.Logger
}

// Invoke handles one event of the time trigger, whose payload is the command, or a command that comes as
// the event itself. Without any it reads, admits and announces. A refresh that would empty, shrink or
// corrupt the reference fails with the report, and what is announced stays as it is.
//
// Whatever becomes of it, it logs one line.
func (r *Refresher) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	began := time.Now()
	command, err := decode(event)
	if err != nil {
		r.log(ctx, began, reference.Outcome{}, err)
		return nil, err
	}
	outcome, err := r.carryOut(ctx, command)
	r.log(ctx, began, outcome, err)
	if err != nil {
		return nil, err
	}
	return json.Marshal(outcome)
}

// log writes the line "refresh". One that failed says what it read, if it came to that, and not what is
// announced: that has not changed.
func (r *Refresher) log(ctx context.Context, began time.Time, outcome reference.Outcome, err error) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.Bool("failed", err != nil), slog.Bool("coldStart", fc.ColdStart(ctx)), slog.String("action", outcome.Action),
		slog.Int("read", outcome.Report.Read), slog.Int("rejected", outcome.Report.Rejected),
		slog.Duration("duration", time.Since(began)),
	}
	if err != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.Any("error", err))
	} else {
		attrs = append(attrs, slog.String("referenceVersion", outcome.Version), slog.Int64("revision", outcome.Revision),
			slog.Int("entries", outcome.Entries), slog.Bool("announced", outcome.Changed), slog.Bool("pinned", outcome.Pinned))
	}
	r.Logger.LogAttrs(ctx, level, "refresh", attrs...)
}

func decode(event []byte) (reference.Command, error) {
	var direct struct{ Action string }
	if err := json.Unmarshal(event, &direct); err == nil && direct.Action != "" {
		return reference.ParseCommand(string(event))
	}
	timer, err := trigger.DecodeTimer(event)
	if err != nil {
		return reference.Command{}, err
	}
	command, err := reference.ParseCommand(timer.Payload)
	if err != nil {
		return reference.Command{}, fmt.Errorf("the payload of the trigger %s: %w", timer.TriggerName, err)
	}
	return command, nil
}

// carryOut looks at what is announced before anything else: what is damaged there is mended by whatever
// is announced next, and said. Beside an error the outcome has the action, and the report of what was read.
func (r *Refresher) carryOut(ctx context.Context, command reference.Command) (reference.Outcome, error) {
	outcome := reference.Outcome{Action: command.Action}
	found, err := r.Announcer.Inspect(ctx)
	if err != nil {
		return outcome, err
	}
	for _, damage := range found.Damage {
		r.Logger.WarnContext(ctx, "the announced reference is damaged", "error", damage)
	}
	switch command.Action {
	case reference.ActionPin:
		outcome, err = described(r.Pins.Pin(ctx, found.Manifest, command.Version))
	case reference.ActionRollback:
		outcome, err = described(r.Pins.Rollback(ctx, found.Manifest, command.Version))
	default:
		outcome, err = r.follow(ctx, found, command)
	}
	outcome.Action = command.Action
	if err != nil {
		return outcome, err
	}
	outcome.Changed = outcome.Version != found.Manifest.Version
	for _, damage := range found.Damage {
		outcome.Mended = append(outcome.Mended, damage.Error())
	}
	return outcome, nil
}

func described(m reference.Manifest, err error) (reference.Outcome, error) {
	return reference.Outcome{Version: m.Version, Revision: m.Revision, Pinned: m.Pinned, Entries: m.Entries}, err
}

// follow announces what the source holds, if the policy admits it. A pinned version is left alone, but by
// unpin: which announces the source in the same step, so that no reader ever sees an aged version between.
func (r *Refresher) follow(ctx context.Context, found reference.Announced,
	command reference.Command) (reference.Outcome, error) {
	entries, report, err := r.read(ctx)
	if err != nil {
		return reference.Outcome{}, err
	}
	policy := r.Policy
	if command.AcceptShrink {
		policy.MaxShrink = 1
	}
	if command.AcceptPrices {
		policy.MaxPriceChange = 0
	}
	policy.Compare(&report, found.Content, entries)
	refused := policy.Check(report, found.Entries())
	if found.Manifest.Pinned && command.Action != reference.ActionUnpin {
		return r.leaveAlone(ctx, found, entries, report, refused)
	}
	if refused != nil {
		return reference.Outcome{Report: report}, errors.Join(append([]error{refused}, found.Damage...)...)
	}
	announced, err := r.Announcer.Announce(ctx, found.Manifest, entries, reference.Source{
		Database: r.Database, Collection: r.Collection, Read: report.Read, Rejected: report.Rejected,
	})
	if err != nil {
		return reference.Outcome{Report: report}, err
	}
	outcome, _ := described(announced, nil)
	outcome.Report = report
	if outcome.Deleted, err = r.Announcer.Clean(ctx, announced); err != nil {
		// The announcement stands; old objects cost little and go next time.
		r.Logger.WarnContext(ctx, "old snapshots stay", "error", err)
	}
	return outcome, nil
}

// read admits what the source holds.
func (r *Refresher) read(ctx context.Context) (map[string]feed.Entry, reference.Report, error) {
	admission := reference.NewAdmission()
	err := r.Source.Read(ctx, func(d reference.Document) error {
		admission.Add(d)
		return nil
	})
	if err != nil {
		return nil, reference.Report{}, fmt.Errorf("read the reference source: %w", err)
	}
	entries, report := admission.Result()
	return entries, report, nil
}

// leaveAlone answers for a pinned version. Its object is mended if the source still holds that content;
// if not, somebody has to choose another.
func (r *Refresher) leaveAlone(ctx context.Context, found reference.Announced, entries map[string]feed.Entry,
	report reference.Report, refused error) (reference.Outcome, error) {
	if !found.Whole {
		restored, err := r.Pins.Restore(ctx, found.Manifest, entries)
		if err != nil {
			return reference.Outcome{}, err
		}
		if !restored {
			return reference.Outcome{}, fmt.Errorf("the pinned version %s is damaged and the source holds another content: "+
				"pin a version that is whole, or unpin: %w", found.Manifest.Version, errors.Join(found.Damage...))
		}
	}
	outcome, _ := described(found.Manifest, nil)
	outcome.Report = report
	if refused != nil {
		outcome.Refusal = refused.Error()
	}
	return outcome, nil
}
