package stack

import (
	"context"
	"errors"
	"fmt"

	"feedstream/local/data"
	"feedstream/local/platform"
	"feedstream/local/target"
	"feedstream/shared/mongo"
	"feedstream/shared/reference"
)

// firstReference takes the reference of the Hang Seng stocks the production way on the first start: CSV
// into MongoDB, the refresh function, OSS. A collection or a manifest that is there is left as it is.
func firstReference(ctx context.Context, t *target.Target, p *platform.Platform) error {
	announcer, err := t.Announcer()
	if err != nil {
		return err
	}
	if _, found, err := announcer.Current(ctx); err != nil || found {
		return err
	}
	if err := fillCollection(ctx, t); err != nil {
		return fmt.Errorf("load the first reference: %w", err)
	}
	if _, err := p.RunTimer(ctx, t.Names.Refresh); err != nil {
		return fmt.Errorf("announce the first reference: %w", err)
	}
	return nil
}

var errSome = errors.New("not empty")

// fillCollection loads the Hang Seng stocks into an empty collection.
func fillCollection(ctx context.Context, t *target.Target) error {
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
	documents, err := data.Parse(data.HangSeng)
	if err != nil {
		return err
	}
	return source.Load(ctx, documents, mongo.LoadOptions{})
}
