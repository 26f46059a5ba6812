package docker

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"

	"github.com/mlp-lang/mlp/runtime/component/python"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

// root is where a container has the protocol's root folder.
const root = "/mlp"

// nobody is the user of containers when the caller is root.
const nobody = 65534

// Labels of containers.
const (
	labelPipeline    = "mlp.pipeline"
	labelWorkspace   = "mlp.workspace"
	labelAddress     = "mlp.address"
	labelFingerprint = "mlp.fingerprint"
	labelApply       = "mlp.apply"
	labelAttempt     = "mlp.attempt"
	labelStore       = "mlp.store"
)

// The walls of a container, and what each is for.
//
//	network none           a stage gets what its task names, and nothing else; data cannot leave. Only a program with network = true has one;
//	                       replicas have one that they alone are on
//	read-only root         what a stage leaves is in out, checkpoint or /tmp, which are looked at or gone
//	inputs read-only       they are hard links to objects, which all stages share
//	/tmp in memory         bounded: by TmpMB, else half of the stage's memory
//	no capabilities,       a program that is taken over gains nothing from files with set-user-id bits in its image
//	no-new-privileges
//	user of the caller     what the stage writes belongs to the caller; 65534 where the caller is root; in a rootless engine 0, which
//	                       is the caller outside
//	memory = memory+swap   a stage over its limit is killed, and does not slow the machine down by swapping
//	processes (Pids)       a fork bomb ends in the container
//
// For example, train.model with the input data has these mounts:
//
//	/mlp/in/data      read-only
//	/mlp/out          to write
//	/mlp/checkpoint   to write
//	/mlp/tmp          to write; of a built-in component
//
// besides its description (protocol.DescriptionFile) and one file below /mlp/secrets for each secret, all read-only.

// tmpFolder is where a built-in stage has its temporary files: on the host's disk, for what the SQL engine spills there would in memory
// be no relief.
const tmpFolder = "tmp"

// config describes the container of a task that has a folder on the host (prepare). Nothing of it names the host but the folders
// that are bound.
func (e *Executor) config(t executor.Task, eng engine, image, dir string) (*container.Config, *container.HostConfig) {
	extra, command, home := e.opts.Env, []string{"/" + binaryPath, "stage", "--root", root}, root+"/"+tmpFolder
	if t.Container != nil {
		extra, command, home = merge(e.opts.Env, t.Container.Env), t.Container.Command, "/tmp"
	}
	c := &container.Config{
		Image:       image,
		Entrypoint:  command,
		Env:         protocol.Environment(t.Spec, protocol.Settings{Root: root, Home: home, CPUs: t.CPUs, MemoryMB: t.MemoryMB, Extra: extra, Rank: t.Rank}),
		User:        eng.user(os.Getuid(), os.Getgid()),
		Hostname:    "stage",
		Labels:      e.labels(t),
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
	}
	return c, e.hostConfig(t, eng, dir)
}

// hostConfig closes the container: no network unless the program asks for one, nothing to write but its mounts and /tmp, no
// capabilities. MemorySwap equal to Memory means no swap. Where the engine remaps users, the host's are used, since files of
// the store are this user's.
func (e *Executor) hostConfig(t executor.Task, eng engine, dir string) *container.HostConfig {
	h := &container.HostConfig{
		NetworkMode:    network.NetworkNone,
		ReadonlyRootfs: true,
		CapDrop:        []string{"ALL"},
		SecurityOpt:    []string{"no-new-privileges"},
		// The log is read as it comes; a copy of it in the engine would serve nobody.
		LogConfig: container.LogConfig{Type: "none"},
		Tmpfs:     map[string]string{"/tmp": fmt.Sprintf("rw,nosuid,nodev,mode=1777,size=%dm", e.tmpMB(t))},
		Mounts:    mounts(t, dir),
		Resources: container.Resources{
			Memory: t.MemoryMB << 20, MemorySwap: t.MemoryMB << 20, NanoCPUs: int64(t.CPUs * 1e9), PidsLimit: &e.opts.Pids,
		},
	}
	if t.Container != nil && t.Container.Network {
		h.NetworkMode = network.NetworkDefault
	}
	if t.Resources != nil && t.Resources.GPUs > 0 {
		h.DeviceRequests = []container.DeviceRequest{{Count: t.Resources.GPUs, Capabilities: [][]string{{"gpu"}}}}
	}
	if eng.remaps {
		h.UsernsMode = "host"
	}
	return h
}

// tmpMB is the size of /tmp in MiB: as set, else half of the container's memory, in which it lies, else the default.
func (e *Executor) tmpMB(t executor.Task) int64 {
	switch {
	case e.opts.TmpMB > 0:
		return e.opts.TmpMB
	case t.MemoryMB > 0:
		return max(1, t.MemoryMB/2)
	}
	return defaultTmpMB
}

// mounts are the folders of the protocol (spec/protocol.md), inputs and secrets read only.
func mounts(t executor.Task, dir string) []mount.Mount {
	bind := func(source, target string, readOnly bool) mount.Mount {
		return mount.Mount{Type: mount.TypeBind, Source: source, Target: root + "/" + target, ReadOnly: readOnly}
	}
	out := []mount.Mount{bind(filepath.Join(dir, protocol.DescriptionFile), protocol.DescriptionFile, true), bind(t.Out, "out", false)}
	if t.Container == nil {
		out = append(out, bind(filepath.Join(dir, tmpFolder), tmpFolder, false))
	}
	if t.Container != nil && t.Container.Library != "" {
		out = append(out, bind(filepath.Join(dir, python.Folder), python.Folder, true))
	}
	for _, in := range t.Inputs {
		out = append(out, bind(in.Path, "in/"+in.Port, true))
	}
	for _, s := range t.Secrets {
		out = append(out, bind(s.Path, "secrets/"+s.Name, true))
	}
	if t.Checkpoint != "" {
		out = append(out, bind(t.Checkpoint, "checkpoint", false))
	}
	return out
}

// labels say whose container it is, by which a later run finds what was left behind.
func (e *Executor) labels(t executor.Task) map[string]string {
	return merge(e.scope(t.Pipeline, t.Workspace), map[string]string{
		labelAddress: t.Address, labelFingerprint: t.Fingerprint, labelApply: t.Apply, labelAttempt: strconv.Itoa(t.Attempt),
	})
}

// scope is the labels that all containers of a workspace have in common.
func (e *Executor) scope(pipeline, workspace string) map[string]string {
	out := map[string]string{labelPipeline: pipeline, labelWorkspace: workspace}
	if e.opts.Store != "" {
		out[labelStore] = e.opts.Store
	}
	return out
}

// merge is a new map with what is in either; b goes before a.
func merge(a, b map[string]string) map[string]string {
	out := make(map[string]string, len(a)+len(b))
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		out[k] = v
	}
	return out
}

// user is the container's user: the caller, so that what it writes is the caller's, but never root of the host.
func (e engine) user(uid, gid int) string {
	switch {
	case e.rootless:
		return "0:0" // which is the caller
	case uid == 0:
		return fmt.Sprintf("%d:%d", nobody, nobody)
	}
	return fmt.Sprintf("%d:%d", uid, gid)
}

// handOver makes the folders that the stage writes to its user's, where the caller is root.
func (e engine) handOver(folders ...string) error {
	if os.Getuid() != 0 || e.rootless {
		return nil
	}
	for _, folder := range folders {
		if folder == "" {
			continue
		}
		err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(path, nobody, nobody)
		})
		if err != nil {
			return fmt.Errorf("handing %s to the stage's user: %w", folder, err)
		}
	}
	return nil
}
