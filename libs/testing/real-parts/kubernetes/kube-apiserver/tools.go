//go:build tools

// Package kubeapiserver pins the kube-apiserver that the suites run discovery against.
package kubeapiserver

import _ "k8s.io/kubernetes/cmd/kube-apiserver"
