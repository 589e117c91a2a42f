package main

import (
	"context"
	"errors"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/examples/internal/cli"
)

// delivered is a message as Watermill delivers it: its context ends when it is
// acknowledged, either way.
func delivered(t *testing.T, id, what string) *message.Message {
	t.Helper()
	m := message.NewMessage(id, []byte(what))
	ctx, cancel := context.WithCancel(t.Context())
	m.SetContext(ctx)
	go func() {
		defer cancel()
		select {
		case <-m.Acked():
		case <-m.Nacked():
		case <-t.Context().Done():
		}
	}()
	return m
}

func is(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func newShipping(t *testing.T) *shipping {
	t.Helper()
	db, err := openDB(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &shipping{db: db}
}

func count(t *testing.T, s *shipping) (n int) {
	t.Helper()
	if err := s.db.QueryRowContext(t.Context(), `SELECT count(*) FROM shipped`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAnOrderDeliveredTwiceIsShippedOnceAndAcknowledgedTwice(t *testing.T) {
	s := newShipping(t)
	for range 2 {
		m := delivered(t, "1", "a tent")
		if err := s.handle(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if !is(m.Acked()) {
			t.Error("not acknowledged")
		}
	}
	if n := count(t, s); n != 1 {
		t.Errorf("shipped %d times", n)
	}
}

func TestAnOrderThatCouldNotBeShippedIsNotAcknowledged(t *testing.T) {
	s := newShipping(t)
	_ = s.db.Close()
	m := delivered(t, "1", "a tent")
	if err := s.handle(t.Context(), m); err == nil || channelq.IsPermanent(err) {
		t.Errorf("error %v, want one that is tried again", err)
	}
	if is(m.Acked()) || is(m.Nacked()) {
		t.Error("acknowledged, or given back before the last attempt")
	}
}

func TestWhatCannotBePutAsideIsGivenBack(t *testing.T) {
	s := newShipping(t)
	m := delivered(t, "1", "")
	err := s.handle(t.Context(), m)
	if !channelq.IsPermanent(err) {
		t.Fatalf("error %v, want a permanent one", err)
	}
	s.publish = func(string, *message.Message) error { return errors.New("the broker is away") }
	s.giveUp(t.Context(), m, err)
	if is(m.Acked()) || !is(m.Nacked()) {
		t.Error("acknowledged, although it is nowhere else")
	}
}

func TestAMessageThatFindsTheQueueClosedIsGivenBack(t *testing.T) {
	q := cli.Must(channelq.New(channelq.Config[*message.Message]{Capacity: 1}))
	q.Close()
	m := delivered(t, "1", "a tent")
	from := make(chan *message.Message, 1)
	from <- m
	if err := receive(t.Context(), []<-chan *message.Message{from}, q); !errors.Is(err, channelq.ErrClosed) {
		t.Errorf("error %v", err)
	}
	if !is(m.Nacked()) {
		t.Error("not given back")
	}
}

func TestAMessageWithoutAnIDIsPutAside(t *testing.T) {
	s := newShipping(t)
	var where, why string
	s.publish = func(topic string, m *message.Message) error {
		where, why = topic, m.Metadata.Get("reason")
		return nil
	}
	m := delivered(t, "", "from another program")
	err := s.handle(t.Context(), m)
	if !channelq.IsPermanent(err) {
		t.Fatalf("error %v, want a permanent one", err)
	}
	s.giveUp(t.Context(), m, err)
	if where != dead || why == "" || !is(m.Acked()) {
		t.Errorf("published to %q because of %q, acknowledged %v", where, why, is(m.Acked()))
	}
	if n := count(t, s); n != 0 {
		t.Errorf("shipped %d times", n)
	}
}
