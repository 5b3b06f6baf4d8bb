package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"feedstream/local/data"
	"feedstream/local/platform"
	"feedstream/local/target"
	"feedstream/shared/mongo"
	"feedstream/shared/reference"
)

// firstReference takes the documents, or those of the Hang Seng stocks when there are none, the production way on the
// first start: into MongoDB, through the refresh function, to OSS. A collection or a manifest that is there is left as it is, but
// for one that is damaged: the refresh function mends that, and if it cannot, the stack starts all the
// same, for only on a running one can a person pin another version or correct the source.
func firstReference(ctx context.Context, t *target.Target, p *platform.Platform, documents []reference.Document, logger *slog.Logger) error {
	announcer, err := t.Announcer()
	if err != nil {
		return err
	}
	found, err := announcer.Inspect(ctx)
	if err != nil || found.Whole {
		return err
	}
	if len(found.Damage) > 0 {
		if _, err := p.RunTimer(ctx, t.Names.Refresh); err != nil {
			logger.Warn("the announced reference is damaged and was not mended", "error", err)
		}
		return nil
	}
	if err := fillCollection(ctx, t, documents); err != nil {
		return fmt.Errorf("load the first reference: %w", err)
	}
	if _, err := p.RunTimer(ctx, t.Names.Refresh); err != nil {
		return fmt.Errorf("announce the first reference: %w", err)
	}
	return nil
}

var errSome = errors.New("not empty")

// fillCollection loads the documents, or the Hang Seng stocks when there are none, into an empty collection.
func fillCollection(ctx context.Context, t *target.Target, documents []reference.Document) error {
	source, err := t.Source()
	if err != nil {
		return err
	}
	defer source.Close()
	err = source.Read(ctx, func(reference.Document) error { return errSome })
	if errors.Is(err, errSome) {
		return nil
	}
	if err != nil {
		return err
	}
	if documents == nil {
		if documents, err = data.Parse(data.HangSeng); err != nil {
			return err
		}
	}
	return source.Load(ctx, documents, mongo.LoadOptions{})
}
