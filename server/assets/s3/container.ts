/** How a file that may hold pictures is packed, and the end of its name by which its media type is known. */
export type Container = 'mp4' | 'webm' | 'ogv';

/** So many bytes of the beginning tell what a file is. */
export const HEAD_BYTES = 512;

/** Pictures and sound in the same container as MP4, by major brand: https://mp4ra.org/registered-types/brands */
const STILL_BRANDS = /^(avif|heic|heix|heim|heis|mif1)$/;
const SOUND_BRANDS = /^(M4A |M4B |M4P )$/;
/** Boxes that an MP4 without `ftyp`, as QuickTime wrote it, begins with. */
const QUICKTIME_BOXES = /^(moov|mdat|wide|free|skip|pnot)$/;

const PICTURE = 'a picture';
const SOUND = 'sound without a picture';
const OTHER_VIDEO = 'a video of a kind that Chromium does not play';
const COMPRESSED = 'an archive or something compressed';

/**
 * What cannot be played, by how it begins (bytes as the characters of the same code, `?` for any): the MIME Sniffing
 * standard (https://mimesniff.spec.whatwg.org) for most of it, RFC 8216 for playlists, ISO/IEC 13818-1 for MPEG, RFC 9639
 * for FLAC.
 */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  [PICTURE]: ['\x89PNG', '\xff\xd8\xff', 'GIF87a', 'GIF89a', 'RIFF????WEBP'],
  [SOUND]: ['ID3', '\xff\xfb', '\xff\xfa', '\xff\xf3', '\xff\xf2', '\xff\xf1', '\xff\xf9', 'fLaC', 'RIFF????WAVE'],
  [OTHER_VIDEO]: ['RIFF????AVI ', 'FLV\x01', '\0\0\x01\xba', '\0\0\x01\xb3', `G${'?'.repeat(187)}G`],
  [COMPRESSED]: ['PK\x03\x04', 'PK\x05\x06', '\x1f\x8b', 'Rar!', '7z\xbc\xaf', 'BZh', '\x28\xb5\x2f\xfd'],
  'a playlist': ['#EXTM3U'],
  'a PDF document': ['%PDF-'],
};

/**
 * The container of a file that Chromium may have pictures from, by its first {@link HEAD_BYTES}; or what it is instead,
 * to be put after "it is". Whether the pictures inside can be decoded only the page can tell.
 */
export function containerOf(head: Uint8Array): { container: Container } | { found: string } {
  if (head.length === 0) return { found: 'empty' };
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, HEAD_BYTES)).toString('latin1');
  const box = text.slice(4, 8);
  if (box === 'ftyp') {
    const brand = text.slice(8, 12);
    if (STILL_BRANDS.test(brand)) return { found: PICTURE };
    return SOUND_BRANDS.test(brand) ? { found: SOUND } : { container: 'mp4' };
  }
  if (QUICKTIME_BOXES.test(box)) return { container: 'mp4' };
  // RFC 8794: an EBML header, which WebM and Matroska begin with.
  if (text.startsWith('\x1a\x45\xdf\xa3')) return { container: 'webm' };
  // RFC 3533.
  if (text.startsWith('OggS\0')) return { container: 'ogv' };
  const other = Object.entries(OTHERS).find(([, beginnings]) => beginnings.some((one) => beginsLike(text, one)));
  return { found: other?.[0] ?? textKindOf(text) ?? 'nothing that begins like a video' };
}

function beginsLike(text: string, beginning: string): boolean {
  return [...beginning].every((character, index) => character === '?' || character === text[index]);
}

/** `null` if it has a byte that no text has. */
function textKindOf(text: string): string | null {
  const isText = [...text].every((character) => character >= ' ' || '\t\n\f\r'.includes(character));
  if (!isText) return null;
  const start = text.replace('\xef\xbb\xbf', '').trimStart().toLowerCase();
  if (/^<(!doctype html|html|head|body|script)\b/.test(start)) return 'an HTML page';
  return start.startsWith('<') ? 'XML' : 'text';
}
