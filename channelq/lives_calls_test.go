package channelq_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/steadgo/stead/channelq"
)

// enqueue puts up to three items, from first on, in one of the ways there are.
func (l *life) enqueue(ctx context.Context, luck *rand.Rand, first int) {
	var err error
	switch luck.IntN(3) {
	case 0:
		err = l.q.TryEnqueue(first)
	case 1:
		err = l.q.Enqueue(ctx, first)
	default:
		items := []int{first, first + 100_000, first + 200_000}
		if s := l.q.Stats(); s.Mode == channelq.DropWrite || s.Capacity == 0 && s.Mode != channelq.Wait {
			items = items[:1] // of more, nobody says which were accepted
		}
		n, err := l.q.EnqueueAll(ctx, items)
		l.book.accept(items[:n]...)
		l.book.refuse(len(items) - n)
		if (err == nil) != (n == len(items)) {
			l.t.Errorf("EnqueueAll = %d, %v", n, err)
		}
		return
	}
	if err != nil {
		l.book.refuse(1)
		return
	}
	l.book.accept(first)
}

func (l *life) produce(producer int) {
	luck := l.luck(producer, 203)
	for i := range luck.IntN(40) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(luck.IntN(3000))*time.Millisecond)
		l.enqueue(ctx, luck, 10_000*(producer+1)+i)
		cancel()
		time.Sleep(time.Duration(luck.IntN(20)) * time.Millisecond)
	}
}

func (l *life) consume() {
	luck := l.luck(0, 204)
	for range luck.IntN(20) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(luck.IntN(300))*time.Millisecond)
		switch luck.IntN(3) {
		case 0:
			if item, err := l.q.Dequeue(ctx); err == nil {
				l.book.end(byHand, item)
			}
		case 1:
			buf := make([]int, 3)
			n, _ := l.q.DequeueBatch(ctx, buf)
			l.book.end(byHand, buf[:n]...)
		case 2:
			for item := range l.q.All(ctx) {
				l.book.end(byHand, item)
				if luck.IntN(3) == 0 {
					break
				}
			}
		}
		cancel()
	}
}

// meddle does one of the things that people do from outside.
func (l *life) meddle(rng *rand.Rand, c lifeCrew) {
	for _, f := range c.Failures() {
		if rng.IntN(4) == 0 {
			err := c.Requeue(f.ID)
			switch {
			case err == nil:
				l.book.accept(f.Item.(int))
			case errors.Is(err, channelq.ErrFull) || errors.Is(err, channelq.ErrClosed):
				l.book.refuse(1)
			}
		} else if rng.IntN(4) == 0 {
			_ = c.Discard(f.ID)
		}
	}
	switch c := c.(type) {
	case *channelq.Workers[int]:
		switch rng.IntN(3) {
		case 0:
			_ = c.Resize(1 + rng.IntN(6))
		case 1:
			_ = c.RateLimit(50, rng.IntN(3))
		case 2:
			_ = c.RateLimit(0, 0)
		}
	case *channelq.Batcher[int]:
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rng.IntN(500))*time.Millisecond)
		_ = c.Flush(ctx)
		cancel()
	}
	_ = fmt.Sprint(c.Stats())
}
