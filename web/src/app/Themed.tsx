import { ConfigProvider } from 'antd';
import en from 'antd/locale/en_US';
import zh from 'antd/locale/zh_CN';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { theme } from '../theme';

/** What is built from Ant Design stands in this. */
export function Themed({ children }: { children: ReactNode }) {
  const { i18n } = useTranslation();
  return (
    <ConfigProvider
      theme={theme}
      locale={i18n.language === 'en' ? en : zh}
      button={{ autoInsertSpace: false }}
    >
      {children}
    </ConfigProvider>
  );
}
