package main

import (
	"context"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/leader/redis"
)

func main() {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
	store, err := redis.Open("redis://" + server.Addr() + "/0")
	if err != nil {
		log.Fatal(err)
	}
	elector, err := leader.New(store, leader.Config{Group: "newsletter", Logger: slog.Default()})
	if err != nil {
		log.Fatal(err)
	}
	host := hosted.New(hosted.Config{Logger: slog.Default()})
	mux := http.NewServeMux()
	mux.Handle("/readyz", host.ReadyHandler())
	host.Add("store", hosted.Closer(store))
	host.Add("site", hosted.HTTP(&http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: time.Second}))
	host.Add("newsletter", leader.Loop(elector, func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}))
	hosted.Main(host)
}
