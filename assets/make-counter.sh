#!/usr/bin/env bash
# Makes counter.mp4, the test card described in README.md. Needs ffmpeg with libx264, librsvg and libfreetype, and the font below.
set -euo pipefail
cd "$(dirname "$0")"

font_folder=/usr/share/fonts/truetype/dejavu # Debian: fonts-dejavu-core
sans="$font_folder/DejaVuSans.ttf"
bold="$font_folder/DejaVuSans-Bold.ttf"
mono="$font_folder/DejaVuSansMono-Bold.ttf"
for font in "$sans" "$bold" "$mono"; do
  [ -r "$font" ] || { echo "make-counter.sh: font $font is missing (Debian: apt-get install fonts-dejavu)" >&2; exit 1; }
done
command -v ffmpeg >/dev/null || { echo 'make-counter.sh: ffmpeg is missing' >&2; exit 1; }

fps=30
frames=300
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# --- The card at rest and the card in its flash: shapes only, text is drawn by ffmpeg. -------------------------------
card() { # card PANEL_COLOUR PANEL_LINE
  echo '<svg xmlns="http://www.w3.org/2000/svg" width="1280" height="720">'
  echo '<rect width="1280" height="720" fill="#0b1220"/>'
  # Corner marks 8 px from the edge: a crop or an overscan takes them away.
  echo '<path d="M8 36V8H36M1244 8h28v28M1272 684v28h-28M36 712H8v-28" fill="none" stroke="#33456b" stroke-width="3"/>'
  echo '<g fill="none" stroke="#2dd4bf" stroke-width="7" stroke-linecap="round">'
  echo '<circle cx="70" cy="62" r="26"/></g><path d="M62 49v26l22-13z" fill="#2dd4bf"/>'
  echo "<rect x='41' y='121' width='1198' height='370' rx='24' fill='$1' stroke='$2' stroke-width='2'/>"
  for i in $(seq 0 7); do # grey steps
    grey="$((i * 255 / 7))"
    echo "<rect x='$((932 + 34 * i))' y='292' width='34' height='156' fill='rgb($grey,$grey,$grey)'/>"
  done
  i=0
  for colour in '#bfbfbf' '#bfbf00' '#00bfbf' '#00bf00' '#bf00bf' '#bf0000' '#0000bf' '#404040'; do
    echo "<rect x='$((40 + 150 * i))' y='511' width='150' height='44' fill='$colour'/>"
    i=$((i + 1))
  done
  echo '<rect x="40" y="589" width="1200" height="6" rx="3" fill="#24324f"/>'
  for i in $(seq 0 15); do
    echo "<rect x='$((40 + 76 * i))' y='636' width='60' height='60' fill='#000' stroke='#33456b' stroke-width='4'/>"
  done
  echo '<rect x="40" y="636" width="60" height="60" fill="#fff"/></svg>'
}
card '#131d33' '#24324f' >"$work/rest.svg"
card '#ffffff' '#ffffff' >"$work/flash.svg"
echo '<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"><circle cx="16" cy="16" r="14" fill="#f8fafc"/></svg>' >"$work/ball.svg"

# --- Filters. n is the frame number everywhere. ----------------------------------------------------------------------
flash="lt(mod(n,$fps),2)"
rest="gte(mod(n,$fps),2)"

text() { # text FONT SIZE COLOUR X Y TEXT [ENABLE]
  echo "drawtext=fontfile=$1:fontsize=$2:fontcolor=$3:x=$4:y=$5:text='$6':enable='${7:-1}',"
}
panel_text() { # panel_text COLOUR LABEL_COLOUR ENABLE
  text "$mono" 120 "$1" 194 249 "%{eif\\:trunc(n/$fps)\\:d}" "$3"
  text "$bold" 24 "$2" 452 152 'FRAME' "$3"
  text "$mono" 230 "$1" 446 188 "%{eif\\:n\\:d\\:3}" "$3"
  text "$mono" 60 "$1" 450 402 "%{eif\\:trunc(n/$fps)\\:d\\:2}.%{eif\\:trunc(mod(n,$fps)*1000/$fps)\\:d\\:3}" "$3"
  text "$sans" 40 "$2" 684 414 's' "$3"
  text "$bold" 24 "$2" 932 152 'EACH SECOND' "$3"
  text "$sans" 24 "$2" 932 196 'flash of 2 frames' "$3"
  text "$sans" 24 "$2" 932 232 'beep of 80 ms' "$3"
}
strip_bit() { # strip_bit SQUARE EXPRESSION
  echo "drawbox=x=$((40 + 76 * $1)):y=636:w=60:h=60:color=white:t=fill:enable='mod(floor($2),2)',"
}

# A ring of radius 130: the arc grows once in 10 s, the dot goes round once a second. N is geq's name for the frame number.
distance='hypot(X-160,Y-160)'
turn='mod(atan2(X-160,160-Y)/(2*PI)+1,1)'
on_ring="clip(9.5-abs($distance-130),0,1)"
on_arc="$on_ring*clip(($(echo "(N+1)/$frames")-$turn)*817,0,1)"
on_dot="clip(17.5-hypot(X-160-130*sin(2*PI*mod(N,$fps)/$fps),Y-160+130*cos(2*PI*mod(N,$fps)/$fps)),0,1)"
mix() { echo "st(0,$on_dot)*0+st(1,$on_arc)*0+ld(0)*$1+(1-ld(0))*(ld(1)*$2+(1-ld(1))*$3)"; } # dot, arc, track
ring="geq=r='$(mix 251 45 71)':g='$(mix 191 212 85)':b='$(mix 36 191 115)':a='255*max($on_ring,$on_dot)'"

{
  echo "[1:v]format=rgba[flash];[0:v][flash]overlay=format=gbrp:enable='$flash'[card];"
  echo "color=black:s=320x320:r=$fps,format=rgba,$ring[ring];[card][ring]overlay=x=70:y=146:format=gbrp:shortest=0[ringed];"
  echo "[ringed][2:v]overlay=x='624-584*cos(2*PI*n/60)':y=576:format=gbrp,"
  text "$bold" 42 '#f8fafc' 118 38 'virtual participant'
  text "$sans" 22 '#94a3b8' 'w-tw-40' 36 '1280 × 720   30 fps   H.264'
  text "$sans" 22 '#94a3b8' 'w-tw-40' 68 'AAC 48 kHz   10 s loop'
  panel_text '#f8fafc' '#94a3b8' "$rest"
  panel_text '#0b1220' '#475569' "$flash"
  for bit in $(seq 0 9); do strip_bit $((11 - bit)) "n/$((1 << bit))"; done
  for bit in $(seq 0 3); do strip_bit $((15 - bit)) "mod(n,15)/$((1 << bit))"; done
  echo "trim=end_frame=$frames,scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int+bitexact,format=yuv420p[video];"
  # 1 ms of fade at both ends of a beep: a step would click in every second, and a longer one would blur its start.
  echo "aevalsrc=exprs='0.3*sin(2*PI*if(lt(n,48000),2000,1000)*mod(n,48000)/48000)*clip(mod(n,48000)/48,0,1)*clip((3840-mod(n,48000))/48,0,1)':s=48000,atrim=end_sample=480000[audio]"
} >"$work/graph.txt"

# filter_units drops the encoder's SEI (its version and options), which would travel with each key frame when the stream is passed on.
ffmpeg -hide_banner -loglevel warning -y -nostdin \
  -loop 1 -framerate $fps -i "$work/rest.svg" -loop 1 -framerate $fps -i "$work/flash.svg" -loop 1 -framerate $fps -i "$work/ball.svg" \
  -filter_complex_script "$work/graph.txt" -map '[video]' -map '[audio]' \
  -c:v libx264 -profile:v baseline -level:v 3.1 -preset veryslow -crf 20 -maxrate 2000k -bufsize 1000k \
  -x264-params "keyint=$fps:min-keyint=$fps:scenecut=0:open-gop=0:bframes=0:ref=2:threads=1:force-cfr=1" \
  -bsf:v filter_units=remove_types=6 -color_range tv -colorspace bt709 -color_primaries bt709 -color_trc bt709 \
  -c:a aac -b:a 64k -flags +bitexact -fflags +bitexact -map_metadata -1 -movflags +faststart \
  "$work/counter.mp4"
mv "$work/counter.mp4" counter.mp4
