import type { IncomingMessage } from 'node:http';
import type { ClientInfo } from '../model/participant.ts';

const BROWSERS = [
  { name: 'Edge', version: /\bEdg\/([\d.]+)/ },
  { name: 'Chrome', version: /\b(?:Headless)?Chrome\/([\d.]+)/ },
  { name: 'Firefox', version: /\bFirefox\/([\d.]+)/ },
  { name: 'Safari', version: /\bVersion\/([\d.]+).*\bSafari\// },
] as const;

const SYSTEMS = [
  { name: 'Android', mark: /\bAndroid\b/ },
  { name: 'iOS', mark: /\biP(hone|ad|od)\b/ },
  { name: 'Windows', mark: /\bWindows\b/ },
  { name: 'macOS', mark: /\bMac OS X\b/ },
  { name: 'Linux', mark: /\bLinux\b/ },
] as const;

/** What a request's headers say of the client; what they do not say is absent. */
export function clientInfo(request: Pick<IncomingMessage, 'headers'>): ClientInfo {
  const userAgent = request.headers['user-agent'] ?? '';
  const sdkVersion = request.headers['x-stages-sdk'];
  const browser = BROWSERS.find(({ version }) => version.test(userAgent));
  const browserVersion = browser?.version.exec(userAgent)?.[1];
  const system = SYSTEMS.find(({ mark }) => mark.test(userAgent));
  return {
    ...(typeof sdkVersion === 'string' && { sdkVersion }),
    ...(browser !== undefined && { browserName: browser.name }),
    ...(browserVersion !== undefined && { browserVersion }),
    ...(system !== undefined && { osName: system.name }),
  };
}
