package table

// Whether a key tells rows apart, seen without the engine.
//
// The rows of a file that Run wrote stand in the order of their key, so two of the same key are neighbours. To ask the engine for groups of
// several rows takes it a seventh of what a tiny stage takes; to look at the neighbours in the bytes of the file, a hundredth. What is looked
// at is what was written, by other code than wrote it. So a small file is looked through here (apart), and what is not plain to see, a
// doubled key included, the engine is asked, which also counts what to say of it (checkKey).
//
// A column of a small file is one chunk: perhaps a page with a dictionary, then pages of values, each behind a header and compressed as a whole
// (https://parquet.apache.org/docs/file-format/). A page has levels, a bit for each row that is not null, and then the values: as they are, or
// as places in the dictionary. For example, of three rows with the key "id" of bigint the only page is
//
//	02 00 00 00 | 06 01 | 00 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00  02 00 00 00 00 00 00 00
//
// the length of the levels; three times a 1, as a run; the values 0, 1 and 2.

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// smallBytes is up to how many bytes a file has that is looked through here.
const smallBytes = 64 << 10

// apart reports whether the rows of a file are sure to have a value in each of some columns, and none the same values in all of them as the row
// before it. False says nothing.
func (s *session) apart(path string, columns []string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() > smallBytes {
		return false
	}
	meta, _, err := readFooter(f)
	if err != nil || meta == nil || len(meta.RowGroups) != 1 || len(columns) == 0 {
		return false
	}
	keys := make([][][]byte, len(columns))
	for i, name := range columns {
		group := meta.RowGroups[0]
		at := slices.IndexFunc(group.Columns, func(c format.ColumnChunk) bool {
			return len(c.MetaData.PathInSchema) == 1 && strings.EqualFold(c.MetaData.PathInSchema[0], name)
		})
		if at < 0 || !optional(meta, at) {
			return false
		}
		chunk, ok := s.chunk(f, &group.Columns[at].MetaData)
		if !ok || len(chunk) != int(group.NumRows) {
			return false
		}
		keys[i] = chunk
	}
	for row := 1; row < len(keys[0]); row++ {
		if !slices.ContainsFunc(keys, func(k [][]byte) bool { return !bytes.Equal(k[row-1], k[row]) }) {
			return false
		}
	}
	return true
}

// optional reports whether all columns of a file are of one level, and the one at a place of the kind that has a bit for each row that is not null.
func optional(meta *format.FileMetaData, at int) bool {
	if len(meta.Schema) != 1+len(meta.RowGroups[0].Columns) {
		return false
	}
	repeats := meta.Schema[1+at].RepetitionType
	return repeats.Valid && repeats.V == format.Optional
}

// chunk are the values of a column, as they lie in the file; false where one is null, or that is not sure, or where equal values may have several
// spellings, as doubles have.
func (s *session) chunk(f *os.File, c *format.ColumnMetaData) ([][]byte, bool) {
	switch c.Type {
	case format.Int32, format.Int64, format.ByteArray:
	default:
		return nil, false
	}
	from := c.DataPageOffset
	if c.DictionaryPageOffset > 0 {
		from = min(from, c.DictionaryPageOffset)
	}
	if c.Codec != format.Zstd || c.TotalCompressedSize < 0 || c.TotalCompressedSize > smallBytes {
		return nil, false
	}
	text := make([]byte, c.TotalCompressedSize)
	if _, err := f.ReadAt(text, from); err != nil {
		return nil, false
	}
	var dictionary, out [][]byte
	for len(text) > 0 {
		header, page, rest, ok := s.page(text)
		if !ok {
			return nil, false
		}
		text = rest
		switch header.Type {
		case format.DictionaryPage:
			dictionary, ok = plainValues(c.Type, page)
		case format.DataPage:
			var values [][]byte
			values, ok = pageValues(c.Type, header.DataPageHeader.V, page, dictionary)
			out = append(out, values...)
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
	}
	return out, true
}

// page takes the first page of a chunk: its header, and what is in it.
func (s *session) page(text []byte) (*format.PageHeader, []byte, []byte, bool) {
	in := new(thrift.CompactProtocol).NewReaderFromBytes(text)
	header := &format.PageHeader{}
	if thrift.NewDecoder(in).Decode(header) != nil {
		return nil, nil, nil, false
	}
	text = text[in.BytesRead():]
	if header.CompressedPageSize < 0 || int(header.CompressedPageSize) > len(text) || header.UncompressedPageSize > 16*smallBytes {
		return nil, nil, nil, false
	}
	if s.unpack == nil {
		var err error
		if s.unpack, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(16*smallBytes)); err != nil {
			return nil, nil, nil, false
		}
	}
	page, err := s.unpack.DecodeAll(text[:header.CompressedPageSize], nil)
	return header, page, text[header.CompressedPageSize:], err == nil && len(page) == int(header.UncompressedPageSize)
}

// pageValues are the values of a page of data, none of which may be null.
func pageValues(kind format.Type, header format.DataPageHeader, page []byte, dictionary [][]byte) ([][]byte, bool) {
	if header.DefinitionLevelEncoding != format.RLE || len(page) < 4 {
		return nil, false
	}
	length := binary.LittleEndian.Uint32(page)
	if int64(length) > int64(len(page)-4) {
		return nil, false
	}
	rows := int(header.NumValues)
	levels, ok := hybrid(page[4:4+length], 1, rows)
	if !ok || slices.Contains(levels, 0) {
		return nil, false
	}
	page = page[4+length:]
	switch header.Encoding {
	case format.Plain:
		values, ok := plainValues(kind, page)
		return values, ok && len(values) == rows
	case format.PlainDictionary, format.RLEDictionary:
	default:
		return nil, false
	}
	if len(page) < 1 || page[0] > 16 {
		return nil, false
	}
	places, ok := hybrid(page[1:], int(page[0]), rows)
	if !ok {
		return nil, false
	}
	out := make([][]byte, rows)
	for i, p := range places {
		if int(p) >= len(dictionary) {
			return nil, false
		}
		out[i] = dictionary[p]
	}
	return out, true
}

// plainValues are values that lie one behind the other.
func plainValues(kind format.Type, page []byte) ([][]byte, bool) {
	var out [][]byte
	width := 4
	if kind == format.Int64 {
		width = 8
	}
	for len(page) > 0 {
		size := width
		if kind == format.ByteArray {
			if len(page) < 4 {
				return nil, false
			}
			length := binary.LittleEndian.Uint32(page)
			if page = page[4:]; int64(length) > int64(len(page)) {
				return nil, false
			}
			size = int(length)
		}
		if size > len(page) {
			return nil, false
		}
		out, page = append(out, page[:size]), page[size:]
	}
	return out, true
}

// hybrid are so many small numbers of some bits each, written as runs of one number and groups of eight that are packed, the lowest bit first
// (https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE).
func hybrid(text []byte, bits, count int) ([]uint32, bool) {
	out := make([]uint32, 0, min(count, smallBytes)+8)
	for len(out) < count {
		head, n := binary.Uvarint(text)
		if n <= 0 || head>>1 == 0 || head>>1 > smallBytes {
			return nil, false
		}
		text = text[n:]
		if head&1 == 0 {
			width := (bits + 7) / 8
			if width > len(text) {
				return nil, false
			}
			var value uint32
			for i, b := range text[:width] {
				value |= uint32(b) << (8 * i)
			}
			text = text[width:]
			out = append(out, slices.Repeat([]uint32{value}, int(head>>1))...)
			continue
		}
		size := int(head>>1) * bits
		if size > len(text) {
			return nil, false
		}
		var held uint64
		have := 0
		for _, b := range text[:size] {
			held |= uint64(b) << have
			for have += 8; have >= bits && bits > 0; have -= bits {
				out = append(out, uint32(held&(1<<bits-1)))
				held >>= bits
			}
		}
		text = text[size:]
		if bits == 0 {
			out = append(out, make([]uint32, 8*(head>>1))...)
		}
	}
	return out[:count], true
}
