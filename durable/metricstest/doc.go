// Package metricstest holds what a Prometheus scrape says of durable jobs. It is a
// module of its own, so that who uses durable does not get Prometheus with it.
package metricstest
