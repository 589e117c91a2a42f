package postgres_test

import (
	"strings"
	"testing"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
)

func TestAStoreWithoutAPoolIsRefusedAtOnce(t *testing.T) {
	s := postgres.Wrap(nil)
	if _, err := durable.New(s, durable.Config{}); err == nil || !strings.Contains(err.Error(), "the store is nil") {
		t.Errorf("New: %v", err)
	}
	if err := durable.Migrate(t.Context(), s); err == nil || !strings.Contains(err.Error(), "the store is nil") {
		t.Errorf("Migrate: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
