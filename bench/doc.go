// Package bench measures Stead beside its peers, in one process and one run.
package bench
