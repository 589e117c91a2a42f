package durable

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/riverqueue/river"

	"github.com/steadgo/stead/internal/guard"
)

// maxLine is how many bytes a line of Import may have: an item, and its failures beside it.
const maxLine = 2 * maxItem

// importPiece is how many lines one transaction of Import enqueues.
const importPiece = 500

// Import enqueues a job for each line of JSON that r has, as [Jobs.Export] writes them. A line
// has at least a queue of this program and an item, as {"queue": "mails", "item": {...}}; what
// Export has said of the earlier job's ID, state and attempts is not taken over, nor is its
// [Unique] key, of which the store has a hash only. Empty lines are left out. MaxWaiting does
// not hold, as for a Requeue.
//
// The lines are enqueued in pieces of 500, each of which is there or not. Lines is how many
// lines of r are in the store, with the first skip lines, which are not read as JSON: to go on
// after an error call Import with skip set to lines. It returns an error that names the line
// and the field if one is not as it should be. An error from the store, or from ctx while the
// store was writing, leaves open whether the piece after lines got there.
func (j *core) Import(ctx context.Context, r io.Reader, skip int) (lines int, err error) {
	fail := func(err error) (int, error) {
		return lines, fmt.Errorf("stead/durable: import jobs: %d lines are in: %w", lines, hint(err))
	}
	in := bufio.NewReaderSize(r, 64<<10)
	p := importing{jobs: j}
	for at := 1; ; at++ {
		line, err := readLine(in)
		if errors.Is(err, io.EOF) {
			break
		}
		switch {
		case err == nil && at <= skip:
			lines = at
			continue
		case err == nil && len(bytes.TrimSpace(line)) > 0:
			err = p.add(line)
		}
		if err != nil {
			return fail(fmt.Errorf("line %d: %w", at, err))
		}
		if len(p.params) == importPiece || p.bytes > pieceBytes {
			if err := p.insert(ctx); err != nil {
				return fail(fmt.Errorf("lines %d to %d: %w", lines+1, at, err))
			}
			lines = at
		}
		p.read = at
	}
	if p.read = max(p.read, lines); lines < skip {
		return fail(fmt.Errorf("skip is %d, but there are %d lines", skip, lines))
	}
	if err := p.insert(ctx); err != nil {
		return fail(fmt.Errorf("lines %d to %d: %w", lines+1, p.read, err))
	}
	lines = p.read
	return lines, nil
}

// readLine returns a line without its end.
func readLine(in *bufio.Reader) (line []byte, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return nil, fmt.Errorf("it is more than %d bytes", maxLine)
		}
		line = append(line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) > 0, err == nil:
			return line, nil
		}
		return nil, err
	}
}

// importing is the piece that is being read.
type importing struct {
	jobs   *core
	params []river.InsertManyParams
	queues []registered
	bytes  int
	read   int // lines
}

// importer is a queue of any type.
type importer interface {
	imported(raw json.RawMessage, w jobOptions) (payload, *river.InsertOpts, error)
}

func (p *importing) add(line []byte) error {
	l, err := parseLine(line)
	if err != nil {
		return err
	}
	q, ok := p.jobs.queueOf(l.Queue)
	if !ok {
		return fmt.Errorf("queue: this program has no queue %q", cut(l.Queue, maxName))
	}
	w, err := l.options()
	if err != nil {
		return err
	}
	args, opts, err := q.queue.(importer).imported(l.Item, w)
	if err != nil {
		return fmt.Errorf("item: %w", err)
	}
	p.params = append(p.params, river.InsertManyParams{Args: args, InsertOpts: opts})
	p.bytes += len(line)
	if !slices.ContainsFunc(p.queues, func(known registered) bool { return known.kind == q.kind }) {
		p.queues = append(p.queues, q)
	}
	return nil
}

// parseLine returns an error that names the field.
func parseLine(line []byte) (l jobLine, err error) {
	if !utf8.Valid(line) {
		return l, errors.New("it is not UTF-8")
	}
	in := json.NewDecoder(bytes.NewReader(line))
	in.DisallowUnknownFields()
	err = in.Decode(&l)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return l, fmt.Errorf("%s: it is a JSON %s", wrong.Field, wrong.Value)
	case err != nil:
		return l, err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return l, errors.New("there is something behind the JSON object")
	}
	switch {
	case l.Queue == "":
		return l, errors.New("queue: it is missing")
	case len(l.Item) == 0:
		return l, errors.New("item: it is missing")
	}
	var compact bytes.Buffer
	err = json.Compact(&compact, l.Item)
	l.Item = compact.Bytes()
	return l, err
}

func (l *jobLine) options() (w jobOptions, err error) {
	for _, o := range []struct {
		field string
		set   bool
		o     Option
	}{
		{"meta", len(l.Meta) > 0, Meta(l.Meta)},
		{"priority", l.Priority != 0, Priority(l.Priority)},
		{"max_attempts", l.MaxAttempts != 0, Attempts(l.MaxAttempts)},
	} {
		if !o.set {
			continue
		}
		if err := o.o.apply(&w); err != nil {
			return w, fmt.Errorf("%s: %w", o.field, err)
		}
	}
	return w, nil
}

// imported describes a job whose item is JSON already.
func (q *Queue[T]) imported(raw json.RawMessage, w jobOptions) (payload, *river.InsertOpts, error) {
	var item T
	if err := checkItem(raw); err != nil {
		return payload{}, nil, err
	}
	if err := guard.Call(func() error { return json.Unmarshal(raw, &item) }); err != nil {
		return payload{}, nil, fmt.Errorf("it is no %T: %w", item, err)
	}
	return q.describeJSON(item, raw, w)
}

// insert enqueues the piece, if there is anything in it.
func (p *importing) insert(ctx context.Context) (err error) {
	if len(p.params) == 0 {
		return ctx.Err()
	}
	var client riverClient
	for _, q := range p.queues {
		if client, err = p.jobs.open(q.kind); err != nil {
			return err
		}
		defer p.jobs.inserting(q.kind)()
	}
	if err := p.jobs.soundStore(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if _, err = client.InsertMany(ctx, p.params); err != nil {
		return err
	}
	for _, line := range p.params {
		if q, ok := p.jobs.queueOf(line.InsertOpts.Queue); ok {
			q.books.accepted.Add(1)
		}
	}
	p.params, p.queues, p.bytes = nil, nil, 0
	return nil
}
