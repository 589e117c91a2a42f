package spool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/channelq/spool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keep is an Enqueuer that takes most items.
type keep struct {
	items []int
	most  int
}

func (k *keep) Enqueue(_ context.Context, i int) error {
	if len(k.items) == k.most {
		return channelq.ErrFull
	}
	k.items = append(k.items, i)
	return nil
}

func TestWhatIsSavedComesBackOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a disk may take longer than the 20 ms
		path := filepath.Join(t.TempDir(), "items")
		s := spool.New[int](path)
		for _, items := range [][]int{{1, 2}, {3}} {
			if err := s.Save(t.Context(), items); err != nil {
				t.Fatal(err)
			}
		}
		k := &keep{most: 2}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if n, err := s.Load(ctx, k); n != 2 || !errors.Is(err, channelq.ErrFull) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Load = %d, %v", n, err)
		}
		k.most = 10
		if n, err := spool.New[int](path).Load(t.Context(), k); n != 1 || err != nil {
			t.Errorf("Load = %d, %v", n, err)
		}
		if n, err := s.Load(t.Context(), k); n != 0 || err != nil || !slices.Equal(k.items, []int{1, 2, 3}) {
			t.Errorf("Load = %d, %v; got %v", n, err, k.items)
		}
		if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 0 {
			t.Errorf("left behind: %v", files)
		}
	})
}

// A start must not fail, and nothing be lost, because requests are to get an error from a full queue.
func TestMoreThanFitsComesBackWhateverAFullQueueDoes(t *testing.T) {
	for _, full := range []channelq.FullMode{channelq.Wait, channelq.Reject, channelq.DropNewest, channelq.DropOldest, channelq.DropWrite} {
		t.Run(full.String(), func(t *testing.T) {
			s := spool.New[int](filepath.Join(t.TempDir(), "items"))
			if err := s.Save(t.Context(), make([]int, 50)); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				q, err := channelq.New(channelq.Config[int]{Capacity: 2, OnFull: full})
				if err != nil {
					t.Fatal(err)
				}
				slow := func(context.Context, int) error { time.Sleep(time.Second); return nil }
				w, err := channelq.NewWorkers(q, slow, channelq.WorkerConfig[int]{Concurrency: 1})
				if err := errors.Join(err, w.Start(t.Context())); err != nil {
					t.Fatal(err)
				}
				n, err := s.Load(t.Context(), q)
				if stopped := w.Stop(t.Context()); n != 50 || err != nil || stopped != nil {
					t.Errorf("Load = %d, %v; Stop = %v", n, err, stopped)
				}
				if stats := w.Stats(); stats.Handled != 50 || stats.Dropped.Total() != 0 {
					t.Errorf("%v", stats.Counts())
				}
			})
		})
	}
}

func TestBadLinesAreKeptAsideAndNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "items")
	if err := os.WriteFile(path, []byte("1\n{half\n\n2\n\"three\"\n4"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := &keep{most: 10}
	n, err := spool.New[int](path).Load(t.Context(), k)
	var bad *spool.BadLinesError
	if n != 3 || !errors.As(err, &bad) || !slices.Equal(bad.Lines, []int{2, 5}) || !strings.Contains(err.Error(), "items.bad") {
		t.Fatalf("Load = %d, %v", n, err)
	}
	if kept, err := os.ReadFile(bad.Kept); err != nil || string(kept) != "{half\n\"three\"\n" {
		t.Errorf("kept %q, %v", kept, err)
	}
	if !slices.Equal(k.items, []int{1, 2, 4}) {
		t.Errorf("got %v", k.items)
	}
}

// rude is an item whose own code panics.
type rude struct{}

func (rude) MarshalJSON() ([]byte, error) { panic("not today") }
func (*rude) UnmarshalJSON([]byte) error  { panic("not today") }

func TestAnItemThatCannotBeWrittenCostsNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "items")
	s := spool.New[any](path)
	if err := s.Save(t.Context(), []any{func() {}}); err == nil {
		t.Error("a function was saved")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("nothing to save, and there is a file")
	}
	err := s.Save(t.Context(), []any{1, func() {}, 2, rude{}, math.NaN(), 3})
	if err == nil || !strings.Contains(err.Error(), "3 of 6 items cannot be written") || !strings.Contains(err.Error(), "item 3: ") {
		t.Errorf("Save: %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "1\n2\n3\n" {
		t.Errorf("%q, %v", text, err)
	}
}

// After a change of the type of the items all lines are bad: their error is not as
// long as they are.
func TestVeryManyBadLinesAreOneShortError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "items")
	const lines = 20_000
	if err := os.WriteFile(path, bytes.Repeat([]byte("{}\n"), lines), 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := spool.New[int](path).Load(t.Context(), &keep{})
	var bad *spool.BadLinesError
	if n != 0 || !errors.As(err, &bad) || len(bad.Lines) != lines || !strings.Contains(err.Error(), "and 19990 more") || len(err.Error()) > 2000 {
		t.Errorf("Load = %d, %.2000v", n, err)
	}
}

func TestALineThatPanicsIsABadLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "items")
	if err := os.WriteFile(path, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	q, err := channelq.New(channelq.Config[rude]{Capacity: 1})
	if err != nil {
		t.Fatal(err)
	}
	var bad *spool.BadLinesError
	if n, err := spool.New[rude](path).Load(t.Context(), q); n != 0 || !errors.As(err, &bad) || !slices.Equal(bad.Lines, []int{1}) {
		t.Errorf("Load = %d, %v", n, err)
	}
}

// A queue that holds two items gets back five: its workers take them meanwhile.
func ExampleSpool() {
	dir, _ := os.MkdirTemp("", "spool")
	defer func() { _ = os.RemoveAll(dir) }()
	s := spool.New[int](filepath.Join(dir, "items.jsonl"))
	ctx := context.Background()
	_ = s.Save(ctx, []int{1, 2, 3, 4, 5}) // the OnLeftover of the last process

	q, _ := channelq.New(channelq.Config[int]{Capacity: 2})
	w, _ := channelq.NewWorkers(q, func(context.Context, int) error { return nil }, channelq.WorkerConfig[int]{OnLeftover: s.Save})
	_ = w.Start(ctx)
	n, err := s.Load(ctx, q)
	_ = w.Stop(ctx)
	fmt.Println(n, err, w.Stats().Handled)
	// Output: 5 <nil> 5
}

func ExampleBadLinesError() {
	fmt.Println(&spool.BadLinesError{Kept: "items.bad", Lines: []int{2}, Err: errors.New("unexpected end of JSON input")})
	// Output: stead/spool: bad lines [2] are kept in items.bad: unexpected end of JSON input
}

func TestASpoolWithoutAPathIsAnErrorOfTheFirstUse(t *testing.T) {
	s := spool.New[int]("")
	if err := s.Save(t.Context(), []int{1}); err == nil || !strings.Contains(err.Error(), "the path is empty") {
		t.Errorf("Save: %v", err)
	}
	if _, err := s.Load(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "the path is empty") {
		t.Errorf("Load: %v", err)
	}
}
