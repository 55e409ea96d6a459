import { readFile } from 'node:fs/promises';
import { containerOf, HEAD_BYTES } from './container.ts';

const bytes = (latin1: string) => Buffer.from(latin1, 'latin1');
const transportStream = `G${'\0'.repeat(187)}`.repeat(2);

describe('containerOf', () => {
  it('knows the test card', async () => {
    const card = await readFile(new URL('../../../assets/counter.mp4', import.meta.url));
    expect(containerOf(card.subarray(0, HEAD_BYTES))).toEqual({ container: 'mp4' });
  });

  it.each([
    ['MP4', '\0\0\0\x20ftypisom\0\0\x02\0isom', 'mp4'],
    ['a QuickTime movie', '\0\0\0\x14ftypqt  \0\0\0\0', 'mp4'],
    ['a QuickTime movie of old', '\0\0\0\x08wide\0\0\x10\0mdat', 'mp4'],
    ['WebM and Matroska', '\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01', 'webm'],
    ['Ogg', 'OggS\0\x02\0\0', 'ogv'],
  ])('knows %s', (_, head, container) => {
    expect(containerOf(bytes(head))).toEqual({ container });
  });

  it.each([
    ['empty', ''],
    ['a picture', '\x89PNG\r\n\x1a\n'],
    ['a picture', '\xff\xd8\xff\xe0\0\x10JFIF'],
    ['a picture', 'GIF89a'],
    ['a picture', 'RIFF\x10\0\0\0WEBPVP8 '],
    ['a picture', '\0\0\0\x20ftypavif'],
    ['a picture', '\0\0\0\x18ftypheic'],
    ['sound without a picture', '\0\0\0\x1cftypM4A \0'],
    ['sound without a picture', 'ID3\x04\0'],
    ['sound without a picture', '\xff\xfb\x90\x64'],
    ['sound without a picture', '\xff\xf1\x50\x80'],
    ['sound without a picture', 'fLaC\0'],
    ['sound without a picture', 'RIFF\x24\x08\0\0WAVEfmt '],
    ['a video of a kind that Chromium does not play', 'RIFF\x24\x08\0\0AVI LIST'],
    ['a video of a kind that Chromium does not play', 'FLV\x01\x05'],
    ['a video of a kind that Chromium does not play', transportStream],
    ['a video of a kind that Chromium does not play', '\0\0\x01\xba\x44'],
    ['a playlist', '#EXTM3U\n#EXT-X-VERSION:3'],
    ['an archive or something compressed', 'PK\x03\x04\x14'],
    ['an archive or something compressed', '\x1f\x8b\x08'],
    ['a PDF document', '%PDF-1.7'],
    ['an HTML page', '\n<!DOCTYPE html><html>'],
    ['XML', '\xef\xbb\xbf<?xml version="1.0"?><Error>'],
    ['text', 'This is no video.\n'],
    ['text', '{"not": "a video"}'],
    ['nothing that begins like a video', '\0\x01\x02\x03'],
  ])('finds %s in %j', (found, head) => {
    expect(containerOf(bytes(head))).toEqual({ found });
  });
});
