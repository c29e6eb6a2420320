//go:build tools

// Package etcd pins the etcd server that the suites run a kube-apiserver on.
package etcd

import _ "go.etcd.io/etcd/server/v3"
