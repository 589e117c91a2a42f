package durable

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/steadgo/stead/durable/internal/store"
)

// riverClient is what this package uses of a *river.Client that does not depend on the
// type of the store's transactions.
type riverClient interface {
	ID() string
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	StopAndCancel(ctx context.Context) error
	Stopped() <-chan struct{}

	Insert(ctx context.Context, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
	InsertMany(ctx context.Context, params []river.InsertManyParams) ([]*rivertype.JobInsertResult, error)
	InsertManyFast(ctx context.Context, params []river.InsertManyParams) (int, error)
	JobList(ctx context.Context, params *river.JobListParams) (*river.JobListResult, error)
	JobGet(ctx context.Context, id int64) (*rivertype.JobRow, error)
	QueueGet(ctx context.Context, name string) (*rivertype.Queue, error)
	QueueList(ctx context.Context, params *river.QueueListParams) (*river.QueueListResult, error)
	QueuePause(ctx context.Context, name string, opts *river.QueuePauseOpts) error
	QueueResume(ctx context.Context, name string, opts *river.QueuePauseOpts) error
}

// engine is all that depends on the type of the store's transactions. Outside of it a
// transaction is an any: what a program brings is checked here, once.
type engine interface {
	// connect creates River's client. It is called once, before the methods that insert.
	connect(cfg *river.Config, j *core) (riverClient, error)

	// usable reports whether there is a store at all: in a test there may be none.
	usable() bool
	database() string
	announces() bool
	executor() riverdriver.Executor

	// checkTx returns an error if tx is nil or not a transaction of the store.
	checkTx(tx any) error
	inTx(ctx context.Context, do func(tx any) error) error
	insertTx(ctx context.Context, tx any, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
	insertManyTx(ctx context.Context, tx any, params []river.InsertManyParams) ([]*rivertype.JobInsertResult, error)
	copyTx(ctx context.Context, tx any, params []river.InsertManyParams) error
	completeTx(ctx context.Context, tx any, job *river.Job[payload]) (*river.Job[payload], error)
	retryTx(ctx context.Context, tx any, id int64) (*rivertype.JobRow, error)
	cancelTx(ctx context.Context, tx any, id int64) (*rivertype.JobRow, error)
	executorTx(tx any) riverdriver.ExecutorTx
	move(ctx context.Context, tx any, from, to store.Place) (bool, error)
}

// typed is the engine of a store whose transactions are TTx.
type typed[TTx any] struct {
	store  store.Backend[TTx]
	schema string             // see store.Store
	client *river.Client[TTx] // nil until connect
}

// driver is the store's as the engine gets it.
func (e *typed[TTx]) driver(j *core) riverdriver.Driver[TTx] {
	var driver riverdriver.Driver[TTx] = engineDriver[TTx]{retryingDriver[TTx]{e.store.Driver(), j.log.Logger, j.held}, j}
	if all := j.limitsLocked(); len(all) > 0 {
		driver = limiting[TTx]{driver, all, j.freed}
	}
	return driver
}

func (e *typed[TTx]) connect(cfg *river.Config, j *core) (riverClient, error) {
	client, err := river.NewClient(e.driver(j), cfg)
	if err != nil {
		return nil, err
	}
	e.client = client
	return client, nil
}

func (e *typed[TTx]) usable() bool     { return e.store.Driver().PoolIsSet() }
func (e *typed[TTx]) database() string { return e.store.Driver().DatabaseName() }
func (e *typed[TTx]) announces() bool  { return e.store.Driver().SupportsListener() }
func (e *typed[TTx]) executor() riverdriver.Executor {
	return qualified(e.store.Driver().GetExecutor(), e.schema)
}

var errNilTx = errors.New("the transaction is nil")

// isNil reports whether tx is nil, or a nil pointer.
func isNil(tx any) bool {
	v := reflect.ValueOf(tx)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

func (e *typed[TTx]) checkTx(tx any) error {
	if isNil(tx) {
		return errNilTx
	}
	if _, ok := tx.(TTx); !ok {
		return fmt.Errorf("the transaction is a %T, but those of the store are %v", tx, reflect.TypeFor[TTx]())
	}
	return nil
}

func (e *typed[TTx]) inTx(ctx context.Context, do func(tx any) error) error {
	d := e.store.Driver()
	tx, err := d.GetExecutor().Begin(ctx)
	if err != nil {
		return err
	}
	if err := do(d.UnwrapTx(tx)); err != nil {
		return errors.Join(err, tx.Rollback(context.WithoutCancel(ctx)))
	}
	return tx.Commit(ctx)
}

// Below, a tx has passed checkTx or is one of inTx.

func (e *typed[TTx]) insertTx(ctx context.Context, tx any, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error) {
	return e.client.InsertTx(ctx, tx.(TTx), args, opts)
}

func (e *typed[TTx]) insertManyTx(ctx context.Context, tx any, params []river.InsertManyParams) ([]*rivertype.JobInsertResult, error) {
	return e.client.InsertManyTx(ctx, tx.(TTx), params)
}

func (e *typed[TTx]) copyTx(ctx context.Context, tx any, params []river.InsertManyParams) error {
	_, err := e.client.InsertManyFastTx(ctx, tx.(TTx), params)
	return err
}

func (e *typed[TTx]) completeTx(ctx context.Context, tx any, job *river.Job[payload]) (*river.Job[payload], error) {
	return river.JobCompleteTx[riverdriver.Driver[TTx]](ctx, tx.(TTx), job)
}

func (e *typed[TTx]) retryTx(ctx context.Context, tx any, id int64) (*rivertype.JobRow, error) {
	return e.client.JobRetryTx(ctx, tx.(TTx), id)
}

func (e *typed[TTx]) cancelTx(ctx context.Context, tx any, id int64) (*rivertype.JobRow, error) {
	return e.client.JobCancelTx(ctx, tx.(TTx), id)
}

func (e *typed[TTx]) executorTx(tx any) riverdriver.ExecutorTx {
	return qualifiedTx(e.store.Driver().UnwrapExecutor(tx.(TTx)), e.schema)
}

func (e *typed[TTx]) move(ctx context.Context, tx any, from, to store.Place) (bool, error) {
	return e.store.Move(ctx, tx.(TTx), from, to)
}
