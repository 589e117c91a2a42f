package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmjs "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/jetstream"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	topic = "orders"
	dead  = "orders-dead" // where those go that nobody can handle
	group = "shipping"    // all instances of this program together
)

// broker is the connection to NATS as a service: Start returns when messages can
// come and go, Stop closes everything.
type broker struct {
	cfg    config
	log    *slog.Logger
	server *server.Server // nil if it runs elsewhere
	conn   *nats.Conn
	out    *wmjs.Publisher
	in     *wmjs.Subscriber
	lanes  []<-chan *message.Message
}

func (b *broker) Start(ctx context.Context) (err error) {
	defer func() {
		if err != nil { // a host stops only what has started
			b.close()
		}
	}()
	options := []nats.Option{
		nats.Name("stead broker example"), nats.MaxReconnects(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // or else it is the stop
				b.log.Warn("connection lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) { b.log.Info("connected again", "server", c.ConnectedUrlRedacted()) }),
	}
	if b.cfg.url == "" {
		if err := b.embed(); err != nil {
			return err
		}
		options = append(options, nats.InProcessServer(b.server))
	}
	if b.conn, err = nats.Connect(b.cfg.url, options...); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	if err := b.provide(ctx); err != nil {
		return err
	}
	// What it calls information is a line for each message.
	logger := watermill.NewSlogLoggerWithLevelMapping(b.log, map[slog.Level]slog.Level{slog.LevelInfo: slog.LevelDebug})
	b.out, err = wmjs.NewPublisher(wmjs.PublisherConfig{Conn: b.conn, Logger: logger})
	if err != nil {
		return err
	}
	b.in, err = wmjs.NewSubscriber(wmjs.SubscriberConfig{
		Conn: b.conn, Logger: logger, AckWaitTimeout: b.cfg.ackWait, ResourceInitializer: b.consumer,
		// Ask for a message when there is a hand free for it, and not before: one that
		// waits behind another here is one that nobody else can take.
		ConsumeOptions: []jetstream.PullConsumeOpt{jetstream.PullMaxMessages(1)},
	})
	if err != nil {
		return err
	}
	// Each lane has one message at a time, until that is acknowledged. So this is
	// the bound on what is in flight, and not the queue.
	for range b.cfg.inFlight {
		// The context of Start ends with it; what ends the lanes is Close.
		lane, err := b.in.Subscribe(context.WithoutCancel(ctx), topic)
		if err != nil {
			return err
		}
		b.lanes = append(b.lanes, lane)
	}
	return nil
}

// embed starts a NATS server in this process, without a port.
func (b *broker) embed() (err error) {
	b.server, err = server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: filepath.Join(b.cfg.dir, "nats"), NoSigs: true, NoLog: true,
	})
	if err != nil {
		return err
	}
	b.server.Start()
	if !b.server.ReadyForConnections(10 * time.Second) {
		return errors.New("the embedded NATS server does not come up")
	}
	return nil
}

// provide makes the streams, unless they are there.
func (b *broker) provide(ctx context.Context) error {
	js, err := jetstream.New(b.conn)
	if err != nil {
		return err
	}
	for _, name := range []string{topic, dead} {
		_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: name, Subjects: []string{name}, Retention: jetstream.WorkQueuePolicy, // kept until acknowledged
		})
		if err != nil {
			return fmt.Errorf("stream %s: %w", name, err)
		}
	}
	return nil
}

// consumer makes what remembers for this program, at the broker, which messages
// are delivered and not acknowledged. Durable: it is there after a restart.
func (b *broker) consumer(ctx context.Context, js jetstream.JetStream, topic string) (
	jetstream.Consumer, func(context.Context, watermill.LoggerAdapter), error,
) {
	consumer, err := js.CreateOrUpdateConsumer(ctx, topic, jetstream.ConsumerConfig{
		Durable: group, AckPolicy: jetstream.AckExplicitPolicy, AckWait: b.cfg.ackWait,
	})
	return consumer, nil, err
}

func (b *broker) Stop(context.Context) error {
	b.close()
	return nil
}

// close closes what is open. If that fails because the broker is unreachable, nothing
// is lost: the broker redelivers a message without a received acknowledgement.
func (b *broker) close() {
	if b.in != nil {
		_ = b.in.Close()
	}
	if b.conn != nil {
		b.conn.Close()
	}
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
}

func (b *broker) connected(context.Context) error {
	if !b.conn.IsConnected() {
		return fmt.Errorf("NATS is %v", b.conn.Status())
	}
	return nil
}

// publish returns when the broker has the message. It sees no context: without an answer
// it fails after five seconds, which are within the budget.
func (b *broker) publish(topic string, m *message.Message) error { return b.out.Publish(topic, m) }
