// Verifylog reads a log from a folder of files and verifies all of it, by Go's own
// implementation of transparency logs (golang.org/x/mod/sumdb) and none of ours.
//
//	verifylog VKEY FOLDER [OLDSIZE OLDROOT]
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	size, err := verify(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%d entries verified\n", size)
}

func verify(vkey, folder string, old []string) (int64, error) {
	tree, err := checkpoint(vkey, filepath.Join(folder, "checkpoint"))
	if err != nil {
		return 0, err
	}
	// Each tile that is read is verified against the root.
	hashes := tlog.TileHashReader(tree, files{folder, tree.N})
	for first := int64(0); first < tree.N; first += 1 << height {
		entries, err := bundle(folder, first, tree.N)
		if err != nil {
			return 0, err
		}
		for i, entry := range entries {
			proof, err := tlog.ProveRecord(tree.N, first+int64(i), hashes)
			if err != nil {
				return 0, err
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, first+int64(i), tlog.RecordHash(entry)); err != nil {
				return 0, fmt.Errorf("entry %d: %w", first+int64(i), err)
			}
		}
	}
	if len(old) == 2 {
		if err := consistent(tree, old[0], old[1], hashes); err != nil {
			return 0, err
		}
	}
	return tree.N, nil
}

func checkpoint(vkey, path string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	return parsed(lines[1], lines[2])
}

func parsed(size, root string) (tlog.Tree, error) {
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	hash, err := tlog.ParseHash(root)
	return tlog.Tree{N: n, Hash: hash}, err
}

func consistent(tree tlog.Tree, size, root string, hashes tlog.HashReader) error {
	before, err := parsed(size, root)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(tree.N, before.N, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash)
}

// bundle reads the entries from first on, up to a tile of them.
func bundle(folder string, first, size int64) ([][]byte, error) {
	width := size - first
	if width > 1<<height {
		width = 1 << height
	}
	data, err := os.ReadFile(filepath.Join(folder, "tile", "entries", numbered(first>>height, width)))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		length := 2 + int(binary.BigEndian.Uint16(data))
		entries, data = append(entries, data[2:length]), data[length:]
	}
	if int64(len(entries)) != width {
		return nil, fmt.Errorf("bundle at %d: %d entries, not %d", first, len(entries), width)
	}
	return entries, nil
}

// numbered is a tile's path below its level, by Go's own rule.
func numbered(index, width int64) string {
	path := tlog.Tile{H: height, L: 0, N: index, W: int(width)}.Path()
	return strings.TrimPrefix(path, fmt.Sprintf("tile/%d/0/", height))
}

// files gives the tiles in a folder.
type files struct {
	folder string
	size   int64
}

func (files) Height() int { return height }

func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		// Go's checksum database has the height in its paths, C2SP's tlog-tiles has not.
		name := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
		data, err := os.ReadFile(filepath.Join(f.folder, "tile", name))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (files) SaveTiles([]tlog.Tile, [][]byte) {}
