package durable

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/riverqueue/river/rivermigrate"

	"github.com/steadgo/stead/durable/internal/store"
	"github.com/steadgo/stead/internal/nils"
)

// Migrate brings the store's tables to the version this program needs. It is a
// call of its own so that a deployment decides when it happens; it is safe to
// call again, after it was cut short, and in several processes at once.
func Migrate[TTx any](ctx context.Context, s Store[TTx]) error {
	if nils.Is(s) {
		return errors.New("stead/durable: migrate: the store is nil")
	}
	backend := store.Of(s)
	if !backend.Driver().PoolIsSet() {
		return fmt.Errorf("stead/durable: migrate: %w", errNoStore)
	}
	schema, err := backend.Schema()
	if err != nil {
		return fmt.Errorf("stead/durable: migrate: %w", err)
	}
	if err := createSchema(ctx, backend.Driver().GetExecutor(), schema); err != nil {
		return fmt.Errorf("stead/durable: migrate: create schema %q: %w", schema, err)
	}
	m, err := rivermigrate.New(backend.Driver(), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler), Schema: schema})
	if err == nil {
		err = migrateUp(ctx, m)
	}
	if err == nil {
		err = backend.Prepare(ctx)
	}
	if err != nil {
		return fmt.Errorf("stead/durable: migrate: %w", err)
	}
	return nil
}

// migrateUp starts again when it failed because another process was a version
// ahead: the engine looks at the versions once and then finds tables there that it
// wants to make. It ends, because each time there are fewer left.
func migrateUp[TTx any](ctx context.Context, m *rivermigrate.Migrator[TTx]) error {
	for there := -1; ; {
		_, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
		if err == nil {
			return nil
		}
		versions, lookErr := m.ExistingVersions(ctx)
		if lookErr != nil || len(versions) <= there {
			return err
		}
		there = len(versions)
	}
}
