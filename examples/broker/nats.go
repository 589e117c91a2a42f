package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
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
	cfg      config
	log      *slog.Logger
	server   *server.Server // nil: it is somewhere else
	conn     *nats.Conn
	out      *wnats.Publisher
	in       *wnats.Subscriber
	messages <-chan *message.Message
}

func (b *broker) Start(ctx context.Context) (err error) {
	defer func() {
		if err != nil { // a host stops only what has started
			b.close()
		}
	}()
	options := []nats.Option{nats.Name("stead broker example"), nats.MaxReconnects(-1)}
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
	logger := watermill.NewSlogLogger(b.log)
	b.out, err = wnats.NewPublisherWithNatsConn(b.conn, wnats.PublisherPublishConfig{
		Marshaler: &wnats.NATSMarshaler{}, SubjectCalculator: wnats.DefaultSubjectCalculator,
	}, logger)
	if err != nil {
		return err
	}
	b.in, err = wnats.NewSubscriberWithNatsConn(b.conn, wnats.SubscriberSubscriptionConfig{
		// Each of these holds one message until it is acknowledged.
		SubscribersCount: b.cfg.inFlight,
		QueueGroupPrefix: group,
		AckWaitTimeout:   b.cfg.ackWait,
		CloseTimeout:     time.Second,
		JetStream: wnats.JetStreamConfig{
			DurablePrefix: group,
			// Without ManualAck the client acknowledges by itself whatever Watermill
			// has let go of, handled or not.
			SubscribeOptions: []nats.SubOpt{nats.ManualAck(), nats.AckExplicit()},
		},
	}, logger)
	if err != nil {
		return err
	}
	// The context of Start ends with it. Close ends the subscription.
	b.messages, err = b.in.Subscribe(context.WithoutCancel(ctx), topic)
	return err
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

// provide makes the streams and the consumer, unless they are there. The consumer
// is not left to Watermill, because what its client makes it also deletes when it
// closes, and with it the memory of what was acknowledged.
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
	_, err = js.CreateOrUpdatePushConsumer(ctx, topic, jetstream.ConsumerConfig{
		Durable: group, DeliverSubject: "deliver." + group, DeliverGroup: group,
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: b.cfg.ackWait, MaxAckPending: b.cfg.inFlight,
	})
	if err != nil {
		return fmt.Errorf("consumer %s: %w", group, err)
	}
	return nil
}

func (b *broker) Stop(context.Context) error { return b.close() }

func (b *broker) close() (err error) {
	if b.in != nil {
		err = b.in.Close()
	}
	if b.conn != nil {
		b.conn.Close()
	}
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
	return err
}

func (b *broker) connected(context.Context) error {
	if !b.conn.IsConnected() {
		return fmt.Errorf("NATS is %v", b.conn.Status())
	}
	return nil
}

// publish returns when the broker has the message.
func (b *broker) publish(topic string, m *message.Message) error { return b.out.Publish(topic, m) }

// takeOrder answers 202 when the order cannot be lost any more.
func (b *broker) takeOrder(w http.ResponseWriter, r *http.Request) {
	what, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1000))
	if err != nil {
		http.Error(w, "An order has at most 1,000 bytes.", http.StatusRequestEntityTooLarge)
		return
	}
	order := message.NewMessage(watermill.NewUUID(), what)
	if err := b.publish(topic, order); err != nil {
		http.Error(w, "The broker did not take the order: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprintln(w, order.UUID)
}

func (b *broker) madeUpCustomers(ctx context.Context) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	wishes := []string{"a tent", "a stove", "a torch", ""} // one of them does not say what
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := b.publish(topic, message.NewMessage(watermill.NewUUID(), []byte(wishes[n%len(wishes)]))); err != nil {
			return err
		}
	}
}
